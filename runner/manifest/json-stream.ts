import { DEPTH_LIMIT } from './parse-yaml.ts';
import { exact } from './scalar.ts';
import type { Json } from './tree.ts';

/** JSON values that follow each other at the beginning of a text, and where they end. */
export function leadingJson(text: string): { readonly values: readonly Json[]; readonly rest: number } {
  const values: Json[] = [];
  let rest = 0;
  while (rest < text.length) {
    const end = endOfBraces(text, rest);
    if (end === undefined) break;
    try {
      values.push(wellFormed(JSON.parse(text.slice(rest, end), asWritten)));
    } catch {
      break;
    }
    rest = end + (/^[ \t\r]*\n?/.exec(text.slice(end, end + 1000))?.[0].length ?? 0);
  }
  return { values, rest };
}

/** Where the brackets that open at `start` are closed; undefined if they are not, or if they are too deep. */
function endOfBraces(text: string, start: number): number | undefined {
  const marks = /["{}[\]]/g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    if (mark[0] === '"') {
      const end = endOfQuotes(text, marks.lastIndex);
      if (end === undefined) return undefined;
      marks.lastIndex = end;
      continue;
    }
    depth += mark[0] === '{' || mark[0] === '[' ? 1 : -1;
    if (depth > DEPTH_LIMIT) return undefined;
    if (depth <= 0) return marks.lastIndex;
  }
  return undefined;
}

/** Where a text in quotes ends whose first character stands at `start`. */
function endOfQuotes(text: string, start: number): number | undefined {
  const marks = /["\\]/g;
  marks.lastIndex = start;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    if (mark[0] === '"') return marks.lastIndex;
    marks.lastIndex += 1;
  }
  return undefined;
}

/** Whole numbers that a double would round stay as they are. */
function asWritten(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) ? exact(BigInt(source)) : value;
}

/** Go puts U+FFFD for halves of pairs, and takes no number that is too large. */
function wellFormed(value: unknown): Json {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('number out of range');
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key.toWellFormed(), wellFormed(entry)]));
}
