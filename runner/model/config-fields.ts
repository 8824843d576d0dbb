import type { z } from 'zod';
import { modelError } from './errors.ts';
import { shortJson } from './short-json.ts';

/**
 * Checks a parsed JSON file against a schema. A field whose value is legal but not one that we compute is refused as
 * unsupported; anything else is a damaged config. Throws `E_MODEL_UNSUPPORTED`, `E_MODEL_CONFIG`, both naming the field.
 */
export function parseFields<S extends z.ZodType>(schema: S, json: unknown, file: string): z.output<S> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  const field = issue.path.length === 0 ? 'the file' : issue.path.map(String).join('.');
  const value = valueAt(json, issue.path);
  if (value === undefined) throw modelError('E_MODEL_CONFIG', { file, field, problem: 'is missing' });
  const found = shortJson(value);
  const onlyOne = issue.code === 'invalid_value' ? issue.values.map(shortJson).join(' or ') : undefined;
  const mustBeAbsent = issue.code === 'invalid_type' && issue.expected === 'null' ? 'null' : undefined;
  const mustBeEmpty = issue.code === 'too_big' && issue.origin === 'array' && issue.maximum === 0 ? '[]' : undefined;
  const wanted = onlyOne ?? mustBeAbsent ?? mustBeEmpty;
  if (wanted !== undefined) {
    throw modelError('E_MODEL_UNSUPPORTED', { file, found: `${field} ${found}`, why: `must be ${wanted}` });
  }
  throw modelError('E_MODEL_CONFIG', { file, field, problem: `is ${found}: ${issue.message}` });
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
