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

/** A page of a list. */
export interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** The page that an answer is: a list of no version would empty what it takes the place of, and nothing could go on from it. */
export function pageIn<T extends KubeObject>(answer: unknown, path: string): Page<T> {
  const { kind = 'List', metadata } = (answer ?? {}) as { readonly kind?: unknown; readonly metadata?: unknown };
  const items = itemsIn<T>(answer, path);
  if (!String(kind).endsWith('List') || !isVersion((metadata as KubeObject['metadata'] | undefined)?.resourceVersion))
    throw notUnderstood(path, 'no list with a version');
  if (!items.every((item) => typeof item.metadata.name === 'string'))
    throw notUnderstood(path, 'a list of what has no name');
  return answer as Page<T>;
}

/** What an answer has to be about. */
export interface Wanted {
  readonly kind: string;
  readonly metadata: KubeObject['metadata'];
}

/** The object that was asked for, or written: an answer about anything else, or of no version, is a failure that passes by itself. */
export function wantedIn<T extends KubeObject>(answer: unknown, wanted: Wanted, path: string): T {
  const object = objectIn<T & { readonly kind?: unknown }>(answer, path);
  const { name, namespace, uid } = wanted.metadata;
  const { metadata } = object;
  const isIt = object.kind === wanted.kind && metadata.name === name && metadata.namespace === namespace;
  if (!isIt || !isText(metadata.uid) || (uid !== undefined && metadata.uid !== uid))
    throw notUnderstood(path, `not the ${wanted.kind} ${name}`);
  if (!isVersion(metadata.resourceVersion)) throw notUnderstood(path, 'of no version');
  return object;
}

/** The object that was written with a status, which was `before` on the version that it was written on. */
export function writtenIn<T extends KubeObject & { readonly status?: unknown }>(
  answer: unknown,
  sent: Wanted & { readonly status: unknown },
  before: unknown,
  path: string,
): T {
  const object = wantedIn<T>(answer, sent, path);
  if (!holds(object.status, sent.status)) throw notUnderstood(path, 'not what was written');
  // A write that changes nothing keeps the version; any other one that does was not carried out.
  const isKept = object.metadata.resourceVersion === sent.metadata.resourceVersion;
  if (isKept && !holds(before, sent.status)) throw notUnderstood(path, 'of the version before it was written');
  return object;
}

/** Whether all of `part` is in `whole`, which may have more: defaults, and what others have written. */
export function holds(whole: unknown, part: unknown): boolean {
  if (part === undefined || Object.is(whole, part)) return true;
  if (typeof part !== 'object' || part === null || typeof whole !== 'object' || whole === null) return false;
  if (Array.isArray(part))
    return Array.isArray(whole) && part.every((element) => whole.some((other) => holds(other, element)));
  return Object.entries(part).every(([key, value]) => holds((whole as Record<string, unknown>)[key], value));
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

const isVersion = isText;

function isObject(value: unknown): boolean {
  const { metadata } = (value ?? {}) as { readonly metadata?: unknown };
  return typeof metadata === 'object' && metadata !== null;
}

function notUnderstood(path: string, what: string): ApiError {
  return new ApiError({ kind: 'retry', status: 200, message: `${path}: the answer is ${what}` });
}
