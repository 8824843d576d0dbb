/**
 * A prompt as Wan's pipeline reads it: `ftfy.fix_text`, `html.unescape` twice, white space collapsed (docs/wan.md#prompts).
 *
 * Of ftfy's defaults everything is here: HTML names unless the text holds a '<', text that was read in a wrong encoding, C1 control characters, Latin ligatures, full- and half-width forms, curly quotes,
 * line breaks, lone surrogates, terminal escapes, control characters, NFC; each line until nothing changes.
 */

import { decodeHTML } from 'entities';
import { unescapeHtml, windows1252 } from './html-unescape.ts';
import { fixEncoding } from './mojibake.ts';

/** Python's `\s`, which is not JavaScript's. */
const WHITE_SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const WHITE_SPACES = new RegExp(WHITE_SPACE, 'g');

const LIGATURES: Readonly<Record<string, string>> = {
  ...{ Ĳ: 'IJ', ĳ: 'ij', ŉ: 'ʼn', Ǳ: 'DZ', ǲ: 'Dz', ǳ: 'dz', Ǆ: 'DŽ', ǅ: 'Dž', ǆ: 'dž', Ǉ: 'LJ', ǈ: 'Lj', ǉ: 'lj' },
  ...{ Ǌ: 'NJ', ǋ: 'Nj', ǌ: 'nj', ﬀ: 'ff', ﬁ: 'fi', ﬂ: 'fl', ﬃ: 'ffi', ﬄ: 'ffl', ﬅ: 'ſt', ﬆ: 'st' },
};
const LIGATURE = new RegExp(`[${Object.keys(LIGATURES).join('')}]`, 'g');
// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what these look for
const TERMINAL_ESCAPE = /\x1b\[[\d;]*[a-zA-Z]/g;
const CONTROL = /[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;
const C1_CONTROL = /[\x80-\x9f]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: above
const NAMED_CHARACTER = /&#?[0-9A-Za-z]{1,24};/g;

/** The prompt, cleaned. */
export function cleanPrompt(prompt: string): string {
  return unescapeHtml(unescapeHtml(fixText(prompt)))
    .replace(WHITE_SPACES, ' ')
    .replace(/^ | $/g, '');
}

function fixText(text: string): string {
  let holdsTags = false;
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      holdsTags ||= line.includes('<');
      return fixLine(line, holdsTags);
    })
    .join('');
}

function fixLine(line: string, holdsTags: boolean): string {
  for (let text = line; ; ) {
    const fixed = fixEncoding(holdsTags ? text : text.replace(NAMED_CHARACTER, unescapeFully))
      .replace(C1_CONTROL, (control) => windows1252(control.charCodeAt(0)))
      .replace(LIGATURE, (ligature) => LIGATURES[ligature] ?? ligature)
      .replace(/[\u3000\uff01-\uffef]/g, (wide) => (wide === '\u3000' ? ' ' : wide.normalize('NFKC')))
      .replace(/[\u201c-\u201f]/g, '"')
      .replace(/[\u02bc\u2018-\u201b]/g, "'")
      .replace(/\r\n|[\r\u2028\u2029\x85]/g, '\n')
      .toWellFormed()
      .replace(TERMINAL_ESCAPE, '')
      .replace(CONTROL, '')
      .normalize('NFC');
    if (fixed === text) return text;
    text = fixed;
  }
}

/** Only names that end in a semicolon and are known whole; also in capitals where that is another name for nothing. */
function unescapeFully(whole: string): string {
  const plain = whole.startsWith('&#') ? unescapeHtml(whole) : decodeHTML(whole);
  if (!whole.startsWith('&#') && plain === whole && whole === whole.toUpperCase()) {
    const small = decodeHTML(whole.toLowerCase());
    return isWhole(small) ? small.toUpperCase() : whole;
  }
  return isWhole(plain) ? plain : whole;
}

/** No part of the name is left over. `&semi;` itself is a semicolon. */
function isWhole(plain: string): boolean {
  return plain === ';' || !plain.includes(';');
}
