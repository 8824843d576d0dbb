import { z } from 'zod';

/** What a schema holds at one place: named fields, entries of one kind, items, or nothing below. */
export type Below =
  | { readonly kind: 'fields'; readonly fields: Readonly<Record<string, z.ZodType>> }
  | { readonly kind: 'entries' | 'items'; readonly schema: z.ZodType }
  | { readonly kind: 'nothing' };

/** What stands below a place of a schema, whatever defaults it has. */
export function below(schema: z.ZodType): Below {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return below(schema.def.innerType as z.ZodType);
  }
  if (schema instanceof z.ZodObject) return { kind: 'fields', fields: schema.shape as Record<string, z.ZodType> };
  if (schema instanceof z.ZodRecord) return { kind: 'entries', schema: schema.valueType as z.ZodType };
  if (schema instanceof z.ZodArray) return { kind: 'items', schema: schema.element as z.ZodType };
  return { kind: 'nothing' };
}

/** The schema of the field at a path (`['size', 'width']`), or undefined where there is none. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const known = below(schema);
  if (known.kind === 'nothing') return undefined;
  const next = known.kind === 'fields' ? ownField(known.fields, key) : known.schema;
  return next === undefined ? undefined : schemaAt(next, rest);
}

function ownField(fields: Readonly<Record<string, z.ZodType>>, key: PropertyKey): z.ZodType | undefined {
  return Object.hasOwn(fields, key) ? fields[String(key)] : undefined;
}
