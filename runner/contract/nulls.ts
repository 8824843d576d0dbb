import type { z } from 'zod';
import { below } from './schema-fields.ts';

/**
 * A spec without its nulls, as the API server drops them: a field or an entry that is null counts as not given, so that its
 * default comes in. In lists they stay, and are refused there.
 */
export function withoutNulls<T>(value: T, schema: z.ZodType): T;
export function withoutNulls(value: unknown, schema: z.ZodType): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = below(schema);
  if (Array.isArray(value)) {
    return known.kind === 'items' ? value.map((item) => withoutNulls(item, known.schema)) : value;
  }
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.flatMap(([key, entry]) => {
      const field = known.kind === 'fields' && Object.hasOwn(known.fields, key) ? known.fields[key] : undefined;
      const next = known.kind === 'entries' ? known.schema : field;
      if (next === undefined) return [[key, entry] as const];
      return entry === null ? [] : [[key, withoutNulls(entry, next)] as const];
    }),
  );
}
