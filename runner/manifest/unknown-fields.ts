import type { z } from 'zod';
import { below } from './schema-fields.ts';
import type { Json } from './tree.ts';

/** Problems of fields that a schema does not have, each with the nearest name that it has there, if one is near. */
export function unknownFields(value: Json, schema: z.ZodType, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const known = below(schema);
  if (Array.isArray(value)) {
    if (known.kind !== 'items') return [];
    return value.flatMap((item, index) => unknownFields(item, known.schema, `${path}[${index}]`));
  }
  const entries = Object.entries(value as { readonly [key: string]: Json });
  if (known.kind === 'entries') {
    return entries.flatMap(([key, entry]) => unknownFields(entry, known.schema, `${path}.${key}`));
  }
  if (known.kind !== 'fields') return [];
  return entries.flatMap(([key, entry]) => {
    const next = Object.hasOwn(known.fields, key) ? known.fields[key] : undefined;
    return next === undefined
      ? [unknownField(path, key, Object.keys(known.fields))]
      : unknownFields(entry, next, `${path}.${key}`);
  });
}

/** The sentence about a field that is not among the `known` ones of its place. */
export function unknownField(path: string, field: string, known: readonly string[]): string {
  const prefix = path === '' ? '' : `${path}.`;
  const near = nearest(field, known);
  return `${prefix}${field}: unknown field${near === undefined ? '' : `, did you mean ${prefix}${near}?`}`;
}

/** Longest distance at which a name still counts as a slip of the pen: a third of it, and two at least. */
const nearEdits = (name: string) => Math.max(2, Math.floor(name.length / 3));

function nearest(field: string, known: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[_\- .]/g, '');
  const scored = known.map((name) => ({ name, edits: editDistance(plain(field), plain(name)) }));
  const near = scored.filter(({ edits }) => edits <= nearEdits(field) && edits < field.length);
  return near.sort((a, b) => a.edits - b.edits)[0]?.name;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
