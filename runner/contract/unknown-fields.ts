import { z } from 'zod';

/** A field that a schema does not have, and the name that was probably meant. */
export interface UnknownField {
  readonly path: string;
  readonly suggestion?: string;
}

/** What is known at one place of a tree: anything (`true`), what a schema says, or named children. */
export type Known = true | z.ZodType | { readonly [field: string]: Known };

/**
 * Walks a parsed tree beside what is known of it. `listed` paths are named when present and not entered;
 * every other path that is not known comes back as unknown, with the nearest known name of its level if one is near.
 */
export function unknownFields(
  tree: unknown,
  known: Known,
  listed: readonly string[],
): { readonly listed: readonly string[]; readonly unknown: readonly UnknownField[] } {
  const found: { listed: string[]; unknown: UnknownField[] } = { listed: [], unknown: [] };
  walk(tree, known, '', (path, level) => {
    if (listed.includes(path)) found.listed.push(path);
    else found.unknown.push(unknownField(path, [...level, ...siblingsOf(path, listed)]));
  });
  return found;
}

function unknownField(path: string, level: readonly string[]): UnknownField {
  const start = path.lastIndexOf('.') + 1;
  const suggestion = nearest(path.slice(start), level);
  return suggestion === undefined ? { path } : { path, suggestion: `${path.slice(0, start)}${suggestion}` };
}

/** Names among `paths` that stand on the level of `path`. */
function siblingsOf(path: string, paths: readonly string[]): readonly string[] {
  const prefix = path.slice(0, path.lastIndexOf('.') + 1);
  return paths
    .filter((p) => p.startsWith(prefix))
    .map((p) => p.slice(prefix.length))
    .filter((name) => !name.includes('.'));
}

/** Called for every field that is not known, with the known names of its level. */
type Visit = (path: string, level: readonly string[]) => void;

function walk(tree: unknown, known: Known, path: string, visit: Visit): void {
  const fields = fieldsOf(known);
  if (fields === undefined || typeof tree !== 'object' || tree === null || Array.isArray(tree)) return;
  for (const [name, value] of Object.entries(tree)) {
    const below = path === '' ? name : `${path}.${name}`;
    const next = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (next === undefined) visit(below, Object.keys(fields));
    else walk(value, next, below, visit);
  }
}

/** Named children of a place, or undefined where everything is allowed. */
function fieldsOf(known: Known): Readonly<Record<string, Known>> | undefined {
  if (known === true) return undefined;
  if (!(known instanceof z.ZodType)) return known;
  if (known instanceof z.ZodObject) return known.shape as Record<string, z.ZodType>;
  if (known instanceof z.ZodOptional || known instanceof z.ZodDefault || known instanceof z.ZodPrefault) {
    return fieldsOf(known.def.innerType as z.ZodType);
  }
  return undefined;
}

/** Longest distance at which a name still counts as a slip of the pen. */
const NEAR_EDITS = 2;

function nearest(name: string, candidates: readonly string[]): string | undefined {
  const scored = candidates.map((candidate) => ({
    candidate,
    edits: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  return scored.filter(({ edits }) => edits <= NEAR_EDITS).sort((a, b) => a.edits - b.edits)[0]?.candidate;
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
