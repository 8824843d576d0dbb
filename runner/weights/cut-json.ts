/** Tells JSON that is not whole yet, as that of a file which is being copied, from JSON that is wrong. Pure. */

import { isEscaped, stringEnd } from './json-text.ts';

/** What may follow the last token before all that is open can be closed: nothing, a value, a name's value, a name and its value. */
const NEXT = ['', '0', ':0', '"":0'] as const;
const LITERALS = ['true', 'false', 'null'] as const;
const BEGUN_NUMBER = /^-?((0|[1-9]\d*)(\.(\d+([eE][+-]?\d*)?)?|[eE][+-]?\d*)?)?$/;
/** No number in a file is longer. */
const LONGEST_TOKEN = 64;

/**
 * Whether bytes that are not JSON would be with more behind them: they are right as far as they go, and end, or are zeros from there on (a
 * file that was given its length before its content). It is told by completing the text, not by a parser's words.
 */
export function isCutJson(bytes: Uint8Array): boolean {
  const written = withoutZerosBehind(bytes);
  const text = decodedAsFar(written);
  if (text === undefined || (written.length === bytes.length && isJson(text))) return false;
  const { head, closing } = opened(text);
  return NEXT.some((next) => isJson(head + next + closing));
}

function withoutZerosBehind(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/** UTF-8 text without a last character of which bytes are missing; undefined for other bytes. */
function decodedAsFar(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The text with its last token made whole, and what closes the objects and lists that are open there. */
function opened(text: string): { readonly head: string; readonly closing: string } {
  const open: string[] = [];
  const structure = /["{}[\]]/g;
  let isInString = false;
  for (let match = structure.exec(text); match !== null; match = structure.exec(text)) {
    const [mark] = match;
    if (mark === '{') open.push('}');
    else if (mark === '[') open.push(']');
    else if (mark !== '"') open.pop();
    else {
      structure.lastIndex = stringEnd(text, match.index);
      isInString = structure.lastIndex === 0;
    }
    if (isInString) break;
  }
  return { head: isInString ? closedString(text) : closedToken(text), closing: open.reverse().join('') };
}

function closedString(text: string): string {
  const begun = /\\(u[0-9a-f]{0,3})?$/i.exec(text);
  return `${begun === null || isEscaped(text, begun.index) ? text : text.slice(0, begun.index)}"`;
}

function closedToken(text: string): string {
  const token = /[^\s"{}[\],:]+$/.exec(text.slice(-LONGEST_TOKEN))?.[0];
  const isBegun = token !== undefined && (BEGUN_NUMBER.test(token) || LITERALS.some((word) => word.startsWith(token)));
  return isBegun ? `${text.slice(0, -token.length)}0` : text;
}
