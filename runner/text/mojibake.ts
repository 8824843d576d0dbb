/**
 * Mends text that was written in UTF-8 and read in another encoding ('schÃ¶n' for 'schön'), as `ftfy.fix_encoding` does it and
 * with its tables. Text is changed only where characters stand beside each other that are seldom meant to.
 */

import { BAD, ENCODINGS, UTF8_LIKE } from './mojibake-tables.ts';

const BADNESS = new RegExp(BAD, 'u');
const UTF8_CLUE = new RegExp(UTF8_LIKE, 'gu');

/** Patterns over bytes, each written as the character of its number. */
// biome-ignore-start lint/suspicious/noControlCharactersInRegex: bytes are what these look for
const ASCII = /^[\x00-\x7f]*$/;
const C1_CONTROL = /[\x80-\x9f]/g;
/** UTF-8 whose byte 0xa0 was taken for a space. */
const ALTERED =
  /[\xc2\xc3\xc5\xce\xd0\xd9][ ]|[\xe2\xe3][ ][\x80-\x84\x86-\x9f\xa1-\xbf]|[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf][ ]|\xf0[ ][\x80-\xbf][\x80-\xbf]|\xf0[\x80-\xbf][ ][\x80-\xbf]|\xf0[\x80-\xbf][\x80-\xbf][ ]/g;
const A_GRAVE_WORD = /\xc3 (?! |quele|quela|quilo|s )/g;
/** UTF-8 of which bytes were lost: 0x1a stands for a replacement character. */
const LOSSY =
  /[\xc2-\xdf]\x1a|[\xc2\xc3]\?|\xed[\xa0-\xaf][\x1a?]\xed[\xb0-\xbf][\x1a?\x80-\xbf]|\xed[\xa0-\xaf][\x1a?\x80-\xbf]\xed[\xb0-\xbf][\x1a?]|[\xe0-\xef][\x1a?][\x1a\x80-\xbf]|[\xe0-\xef][\x1a\x80-\xbf][\x1a?]|[\xf0-\xf4][\x1a?][\x1a\x80-\xbf][\x1a\x80-\xbf]|[\xf0-\xf4][\x1a\x80-\xbf][\x1a?][\x1a\x80-\xbf]|[\xf0-\xf4][\x1a\x80-\xbf][\x1a\x80-\xbf][\x1a?]|\x1a/g;
const REPLACEMENT = '\xef\xbf\xbd';
/** Surrogates that were written as characters of their own. */
const SURROGATES = /\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: above

/** An encoding of one byte per character: byte of each character from 0x80 on, and of what stands for a lost one. */
interface Encoding {
  readonly name: string;
  readonly isSloppy: boolean;
  readonly bytes: ReadonlyMap<string, string>;
}

const READERS: readonly Encoding[] = ENCODINGS.map(([name, upperHalf]) => {
  const isSloppy = name.startsWith('sloppy');
  const bytes = new Map([...upperHalf].map((character, at) => [character, String.fromCharCode(0x80 + at)]));
  // Where characters may have been lost, byte 0x1a is one of them, and no longer itself.
  if (isSloppy) bytes.set('\ufffd', '\x1a');
  return { name, isSloppy, bytes };
});
const WINDOWS_1252 = READERS.find(({ name }) => name === 'sloppy-windows-1252')!.bytes;
const WINDOWS_1252_CHARACTERS = new Map([...WINDOWS_1252].map(([character, byte]) => [byte, character]));

/** The text with its encoding mended, as often as that is needed. */
export function fixEncoding(text: string): string {
  for (let found = text; ; ) {
    const fixed = fixOnce(found);
    if (fixed === found) return found;
    found = fixed;
  }
}

function fixOnce(text: string): string {
  if (ASCII.test(text) || !BADNESS.test(text)) return text;
  const possible = READERS.flatMap((encoding) => {
    const bytes = encode(text, encoding);
    return bytes === undefined ? [] : [{ encoding, bytes }];
  });
  for (const { encoding, bytes } of possible) {
    const decoded = decodeUtf8(restore(bytes, encoding));
    if (decoded !== undefined) return decoded;
  }
  const inParts = text.replace(UTF8_CLUE, (part) =>
    part.length < text.length && BADNESS.test(part) ? fixEncoding(part) : part,
  );
  if (inParts !== text) return inParts;
  // Latin-1 that was meant as Windows-1252; text that may be either is let alone.
  if (possible.some(({ encoding }) => encoding.name === 'latin-1') && !C1_CONTROL.test(text)) return text;
  return text.replace(C1_CONTROL, (control) => WINDOWS_1252_CHARACTERS.get(control) ?? control);
}

/** The bytes (as characters) that `encoding` reads as `text`; undefined when there are none. */
function encode(text: string, { isSloppy, bytes }: Encoding): string | undefined {
  let encoded = '';
  for (const character of text) {
    const isAscii = character < '\x80' && !(isSloppy && character === '\x1a');
    const byte = isAscii ? character : bytes.get(character);
    if (byte === undefined) return undefined;
    encoded += byte;
  }
  return encoded;
}

/** Puts back bytes that were changed on the way. */
function restore(bytes: string, { name, isSloppy }: Encoding): string {
  // In MacRoman these are a dash and a space.
  const spaced =
    name === 'macroman' || bytes.search(ALTERED) < 0
      ? bytes
      : bytes.replace(A_GRAVE_WORD, '\xc3\xa0 ').replace(ALTERED, (part) => part.replaceAll(' ', '\xa0'));
  return isSloppy ? spaced.replace(LOSSY, REPLACEMENT) : spaced;
}

/** Strict UTF-8, but for surrogate pairs and zeros in the ways of other programs; undefined when it is none. */
function decodeUtf8(bytes: string): string | undefined {
  const standard = bytes
    .replaceAll('\xc0\x80', '\0')
    .replace(SURROGATES, (_, a: string, b: string, c: string, d: string) => {
      const bits = [a, b, c, d].map((byte) => byte.charCodeAt(0)) as [number, number, number, number];
      const point = ((bits[0] & 0x0f) << 16) + ((bits[1] & 0x3f) << 10) + ((bits[2] & 0x0f) << 6) + (bits[3] & 0x3f);
      return Buffer.from(String.fromCodePoint(point + 0x10000)).toString('latin1');
    });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(standard, 'latin1'));
  } catch {
    return undefined;
  }
}
