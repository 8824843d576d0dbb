import type { RunnerFields } from '#contract/runner-fields.ts';

/** A mark for each field of `spec.runner` that is given: enough to see which of them differ, and small enough for a Job to carry. */
export type RunnerMarks = Readonly<Record<string, string>>;

/** FNV-1a of 64 bits. */
const BASIS = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/** Marks of the fields; they differ where the fields do. */
export function runnerMarks(runner: RunnerFields): RunnerMarks {
  const marked = Object.entries(runner)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, markOf(value)] as const);
  return Object.fromEntries(marked);
}

/** Marks as the text of an annotation: `image=0a1b2c3d4e,nodeSelector=…`. */
export function marksText(marks: RunnerMarks): string {
  return Object.entries(marks)
    .map(([field, mark]) => `${field}=${mark}`)
    .sort()
    .join(',');
}

/** Marks from such a text; undefined where a Job of before carries none. */
export function readMarks(text: string | undefined): RunnerMarks | undefined {
  if (text === undefined) return undefined;
  const pairs = text.split(',').map((pair) => pair.split('='));
  return Object.fromEntries(pairs.flatMap(([field, mark]) => (field && mark ? [[field, mark]] : [])));
}

/** Names of the fields that differ, in the order of the alphabet. */
export function changedFields(before: RunnerMarks, after: RunnerMarks): readonly string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields].filter((field) => before[field] !== after[field]).sort();
}

function markOf(value: unknown): string {
  let hash = BASIS;
  for (const letter of JSON.stringify(value, inOrder)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(letter.codePointAt(0) ?? 0)) * PRIME);
  }
  return hash.toString(16).padStart(16, '0');
}

/** The order of the keys of a map says nothing. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
