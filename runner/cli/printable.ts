import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';

/** What moves the cursor, colours, rings or turns text around: C0, DEL, C1, line separators, marks of direction, tags. */
const CONTROL = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}\p{Cs}]/gu;
const FIRST_CONTROL_PICTURE = 0x2400;
const DELETE = 0x7f;

/**
 * Text as it may go to a terminal, on one line: whole escape sequences are left out; white space becomes a space, every other
 * control character its picture (`␇`) or `�`. What a prompt, path or file name says is shown, never obeyed.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\t\n\r]+/g, ' ')
    .replace(CONTROL, picture);
}

function picture(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code < 0x20) return String.fromCodePoint(FIRST_CONTROL_PICTURE + code);
  return code === DELETE ? '␡' : '�';
}

/** JSON text with nothing in it that a terminal obeys: what JSON itself leaves unescaped is escaped. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(CONTROL, (character) =>
    character === '\n' ? character : escaped(character),
  );
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

const graphemes = new Intl.Segmenter();

/** The start of a printable line that fits into `columns` cells of a terminal, where wide characters take two. */
export function fitColumns(line: string, columns: number): string {
  if (stringWidth(line) <= columns) return line;
  let width = 0;
  let end = 0;
  for (const { segment, index } of graphemes.segment(line)) {
    width += stringWidth(segment);
    if (width > columns) break;
    end = index + segment.length;
  }
  return line.slice(0, end);
}
