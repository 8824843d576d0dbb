import { decodeHTML } from 'entities';

const REFERENCE = /&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/g;

/** Windows-1252 from 0x80 on: what browsers read numbers of control characters as. Unassigned ones stay as they are. */
const WINDOWS_1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

/** Names in HTML (`&eacute;`) and numbers (`&#233;`, `&#xe9;`) as their characters, by the rules of Python's `html.unescape`. */
export function unescapeHtml(text: string): string {
  return text.replace(REFERENCE, (whole, body: string) =>
    body.startsWith('#') ? characterOf(numberOf(body)) : decodeHTML(whole),
  );
}

/** The Windows-1252 character of a C1 control character (0x80 to 0x9f). */
export function windows1252(code: number): string {
  return WINDOWS_1252[code - 0x80] ?? String.fromCharCode(code);
}

function numberOf(body: string): number {
  const digits = body.slice(1).replace(';', '');
  return /^[xX]/.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10);
}

function characterOf(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  if (code === 0x0d) return '\r';
  if (code >= 0x80 && code <= 0x9f) return windows1252(code);
  return isForbidden(code) ? '' : String.fromCodePoint(code);
}

function isForbidden(code: number): boolean {
  const isControl = (code < 0x20 && ![0x09, 0x0a, 0x0c].includes(code)) || code === 0x7f;
  const isNoCharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
  return isControl || isNoCharacter;
}
