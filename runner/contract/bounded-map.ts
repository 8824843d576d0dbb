import { z } from 'zod';

/** Rules about keys cost the API server time for each of them. */
const MOST_KEYS = 64;

export type AnyMap = Readonly<Record<string, unknown>>;

/** A map of texts to values, with a bound for rules about its keys. */
export function boundedMap<V extends z.ZodType>(value: V) {
  return z
    .record(z.string(), value)
    .refine((map) => Object.keys(map).length <= MOST_KEYS, { error: `must have at most ${MOST_KEYS} keys` })
    .meta({ maxProperties: MOST_KEYS });
}

/** The CEL condition that a text begins with one of these. */
export function startsWithAny(name: string, prefixes: readonly string[]): string {
  return prefixes.map((prefix) => `${name}.startsWith('${prefix}')`).join(' || ');
}
