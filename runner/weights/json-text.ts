import { shortJson, shortText } from '../model/short-json.ts';
import { decodeUtf8 } from '../store/regular-file.ts';

/**
 * Parses JSON from bytes and refuses what `JSON.parse` lets through silently: bytes that are not UTF-8, and a name given
 * twice in one object (the first value would vanish). A byte order mark in front is no part of the text. Returns the problem as text, never throws.
 */
export function parseJson(bytes: Uint8Array): { readonly value: unknown } | { readonly problem: string } {
  const decoded = decodeUtf8(bytes);
  if ('problem' in decoded) return decoded;
  const { text } = decoded;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `it is not JSON: ${shortText((error as Error).message)}` };
  }
  const twice = repeatedName(text);
  return twice === undefined ? { value } : { problem: `the name ${shortJson(twice)} is given twice` };
}

/** A JSON object's own entries; undefined when the value is anything else. Names such as `__proto__` are plain names. */
export function objectEntries(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
}

/** The first name that some object of a valid JSON text has twice. */
function repeatedName(text: string): string | undefined {
  const open: Set<string>[] = [];
  const structure = /["{}[\]]/g;
  for (let match = structure.exec(text); match !== null; match = structure.exec(text)) {
    const [mark] = match;
    if (mark === '{' || mark === '[') open.push(new Set());
    else if (mark === '}' || mark === ']') open.pop();
    else {
      const end = stringEnd(text, match.index);
      structure.lastIndex = end;
      if (!isName(text, end)) continue;
      const name = JSON.parse(text.slice(match.index, end)) as string;
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}

/** Position after the string that starts at `start`; 0 where it has no end. */
export function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** Whether an odd number of backslashes stands before a position. */
export function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  return text[at] === ':';
}
