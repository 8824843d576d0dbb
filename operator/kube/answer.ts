import { ApiError } from './failure.ts';
import type { KubeObject } from './resource.ts';

/**
 * The object that an answer is. Something between the operator and the API server may answer in its place; what is no object
 * is a failure that passes by itself, as no answer is.
 */
export function objectIn<T extends KubeObject>(answer: unknown, path: string): T {
  if (isObject(answer)) return answer as T;
  throw notUnderstood(path, 'no object');
}

/** The objects of a list that an answer is. */
export function itemsIn<T extends KubeObject>(answer: unknown, path: string): readonly T[] {
  const { items } = (answer ?? {}) as { readonly items?: unknown };
  if (Array.isArray(items) && items.every(isObject)) return items as T[];
  throw notUnderstood(path, 'no list of objects');
}

function isObject(value: unknown): boolean {
  const { metadata } = (value ?? {}) as { readonly metadata?: unknown };
  return typeof metadata === 'object' && metadata !== null;
}

function notUnderstood(path: string, what: string): ApiError {
  return new ApiError({ kind: 'retry', status: 200, message: `${path}: the answer is ${what}` });
}
