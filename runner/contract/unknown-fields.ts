import type { z } from 'zod';
import { nearField } from './near-fields.ts';
import { below as pathBelow } from './problems.ts';
import { below } from './schema-fields.ts';

/** A sentence that is made when it is asked for: a file may have thousands of them, of which few are shown. */
export type Sentence = () => string;

/** Problems of fields that a schema does not have, each with what its writer may have meant. */
export function unknownFields(value: unknown, schema: z.ZodType, path: string): readonly Sentence[] {
  if (typeof value !== 'object' || value === null) return [];
  const known = below(schema);
  if (Array.isArray(value)) {
    if (known.kind !== 'items') return [];
    return value.flatMap((item, index) => unknownFields(item, known.schema, pathBelow(path, index)));
  }
  const entries = Object.entries(value);
  if (known.kind === 'entries') {
    return entries.flatMap(([key, entry]) => unknownFields(entry, known.schema, pathBelow(path, key)));
  }
  if (known.kind !== 'fields') return [];
  const names = Object.keys(known.fields);
  return entries.flatMap(([key, entry]) => {
    const next = Object.hasOwn(known.fields, key) ? known.fields[key] : undefined;
    return next === undefined ? [unknownField(path, key, names)] : unknownFields(entry, next, pathBelow(path, key));
  });
}

/** The sentence about a field that is not among the `known` ones of its place. */
export function unknownField(path: string, field: string, known: readonly string[]): Sentence {
  return () => {
    const near = nearField(path, field, known);
    return `${pathBelow(path, field)}: unknown field${near === undefined ? '' : `, did you mean ${near}?`}`;
  };
}
