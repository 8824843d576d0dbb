import { z } from 'zod';
import { type Rule, ruled } from './rule.ts';

/** Characters (Unicode code points, as the API server counts) that a prompt may have. */
const LIMIT_CHARACTERS = 16_384;

/** HTML names of white space and of characters without width. */
const BLANK_NAMES = [
  ...[
    'nbsp',
    'NonBreakingSpace',
    'NoBreak',
    'ensp',
    'emsp',
    'emsp13',
    'emsp14',
    'numsp',
    'puncsp',
    'thinsp',
    'ThinSpace',
  ],
  ...[
    'hairsp',
    'VeryThinSpace',
    'MediumSpace',
    'ThickSpace',
    'ZeroWidthSpace',
    'NegativeVeryThinSpace',
    'Tab',
    'NewLine',
  ],
  ...[
    'NegativeThinSpace',
    'NegativeMediumSpace',
    'NegativeThickSpace',
    'zwj',
    'zwnj',
    'lrm',
    'rlm',
    'shy',
    'NBSP',
    'SHY',
  ],
  ...[
    'InvisibleTimes',
    'InvisibleComma',
    'ApplyFunction',
    'it',
    'ic',
    'af',
    'DownBreve',
    'tdot',
    'TripleDot',
    'DotDot',
  ],
].join('|');
/** Numbers of the same, of control characters and of fillers, in decimal and in hexadecimal digits. */
const BLANK_DECIMAL =
  '[0-9]|[12][0-9]|3[0-2]|127|129|14[134]|157|160|173|76[89]|7[7-9][0-9]|8[0-7][0-9]|1564|444[78]|5760|615[5-8]|819[2-9]|820[0-7]|823[2-9]|828[7-9]|829[0-9]|830[0-3]|10240|12288|12644|65279|65440' +
  // Marks that stand on or beside another character: U+1AB0 and U+1DC0 on, U+20D0 on, U+FE00 on, U+FE20 on, U+E0000 on.
  '|683[2-9]|68[4-9][0-9]|690[0-9]|691[01]|761[6-9]|76[2-7][0-9]|84(0[0-9]|1[0-9]|2[0-9]|3[0-2])|650(2[4-9]|3[0-9])|6505[6-9]|6506[0-9]|6507[01]|917(5(0[4-9]|[1-9][0-9])|[6-9][0-9][0-9])|9180(0[0-9]|1[0-5])';
const BLANK_HEX =
  '[0-9a-f]|1[0-9a-f]|20|7f|8[1df]|9[0d]|a0|ad|3[0-6][0-9a-f]|61c|115f|1160|1680|180[b-e]|200[0-9a-f]|202[89a-f]|205f|206[0-9a-f]|2800|3000|3164|feff|ffa0|1a[bcdef][0-9a-f]|1d[cdef][0-9a-f]|20[d-f][0-9a-f]|fe[02][0-9a-f]|e0[01][0-9a-f]{2}';
/** `&`, also after being escaped any number of times. */
const AMPERSAND = '&((amp|AMP|#0*38|#[xX]0*26);?)*';
const BLANK_ENTITY = `${AMPERSAND}((${BLANK_NAMES});?|#0*(${BLANK_DECIMAL});?|#[xX]0*(?i:${BLANK_HEX});?)`;
/** Letters and symbols without ink: fillers of Hangul, and the empty pattern of Braille. */
const FILLERS = '\u115f\u1160\u3164\uffa0\u2800';
/** All that has ink is a letter, number, sign or symbol. RE2 (CEL's) and JavaScript read this pattern alike. */
const BLANK = `^([^\\p{L}\\p{N}\\p{P}\\p{S}]|[${FILLERS}]|${BLANK_ENTITY})*$`;
const BLANK_PATTERN = new RegExp(BLANK, 'u');

/** Whether nothing of a text can be seen: spaces, characters without width, and HTML names of such. */
export function isBlank(text: string): boolean {
  return BLANK_PATTERN.test(text);
}

const notBlank: Rule<string> = {
  rule: `!self.matches('${BLANK.replaceAll('\\', '\\\\')}')`,
  holds: (text) => !isBlank(text),
  message: 'must have something to read in it, not only spaces',
};

/** What kubectl and browsers put where bytes were no UTF-8. */
const REPLACEMENT = '\ufffd';
const readable: Rule<string> = {
  rule: `!self.contains('${REPLACEMENT}')`,
  holds: (text) => !text.includes(REPLACEMENT),
  message: 'holds U+FFFD, which stands for bytes that could not be read: save the file as UTF-8',
};

/** Zod and JavaScript count half a pair as a character. */
const text = (least: number) =>
  z
    .string()
    .refine((given) => [...given].length >= least, { error: `must have at least ${least} character`, abort: true })
    .refine((given) => [...given].length <= LIMIT_CHARACTERS, `must have at most ${LIMIT_CHARACTERS} characters`)
    .meta({ ...(least > 0 ? { minLength: least } : {}), maxLength: LIMIT_CHARACTERS });

export const promptField = ruled(text(1), notBlank, readable).describe(
  'What the film shows, in words. Longer texts than the model reads are cut, with a warning.',
);

export const negativePromptField = ruled(text(0), readable)
  .default('')
  .describe(
    'What the film should not show; nothing unless said, as in Diffusers. Only used when guidanceScale is above 1.',
  );

/** A film as far as it matters for its negative prompt. */
interface Guided {
  readonly negativePrompt: string;
  readonly sampling: { readonly guidanceScale: number; readonly guidanceScale2?: number | undefined };
}

/**
 * The warning that a negative prompt has no effect, known from the spec alone: guidance that is 1 or less never looks at it.
 * Undefined where it has one, or where there is none.
 */
export function unusedNegativePrompt({ negativePrompt, sampling }: Guided): string | undefined {
  const { guidanceScale, guidanceScale2 = guidanceScale } = sampling;
  if (isBlank(negativePrompt) || guidanceScale > 1 || guidanceScale2 > 1) return undefined;
  return `negativePrompt has no effect: sampling.guidanceScale is ${guidanceScale}, and guidance works above 1 only`;
}
