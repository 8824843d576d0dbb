/** `tokenizer_config.json`: the padding token, and settings of which this program knows one value only. */

import { z } from 'zod';
import { shortJson } from '../model/short-json.ts';
import { textError } from './errors.ts';

const configSchema = z.object({ pad_token: z.union([z.string(), z.object({ content: z.string() })]).nullish() });

/** Padding of T5 where the configuration does not say. */
const DEFAULT_PADDING = '<pad>';

/** Settings that change token numbers, and the one value of each that is honoured; absent or null is that value, too. */
const ONLY: Readonly<Record<string, string | boolean>> = {
  padding_side: 'right',
  truncation_side: 'right',
  do_lower_case: false,
  add_bos_token: false,
  add_eos_token: true,
  add_prefix_space: true,
  split_special_tokens: false,
};
/** Classes that do what `tokenizer.json` says. */
const CLASSES = /^((MT5|UMT5|T5)Tokenizer(Fast)?|PreTrainedTokenizer(Fast)?|TokenizersBackend|AutoTokenizer)$/;

/** The padding token. `file` is the name used in messages. Throws `E_TOKENIZER_UNSUPPORTED`, and a ZodError for what it cannot follow. */
export function readPadding(json: unknown, file: string): string {
  const { pad_token } = configSchema.parse(json);
  for (const [field, value] of Object.entries(json as object)) {
    const isKnown = Object.hasOwn(ONLY, field);
    if (value === null || (isKnown ? value === ONLY[field] : field !== 'tokenizer_class')) continue;
    if (!isKnown && CLASSES.test(String(value))) continue;
    const supported = isKnown ? shortJson(ONLY[field]) : 'T5Tokenizer, T5TokenizerFast, TokenizersBackend';
    throw textError('E_TOKENIZER_UNSUPPORTED', { file, what: `${field} ${shortJson(value)}`, supported });
  }
  return (typeof pad_token === 'object' ? pad_token?.content : pad_token) ?? DEFAULT_PADDING;
}
