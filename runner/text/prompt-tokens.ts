/** Prompts as the text encoder gets them, and how long they are: known before anything loads. */

import { cleanPrompt } from './clean-prompt.ts';
import { textError } from './errors.ts';
import { loadTokenizer, type Tokenizer, type Tokens } from './tokenizer.ts';

/** Where a model's tokenizer lies, and how many tokens its text encoder knows. */
export interface TokenizerPlace {
  readonly tokenizerFolder: string;
  readonly config: { readonly vocabulary: number };
}

/** How long a text is in tokens, its end token included. */
export interface PromptLength {
  /** The field that the text comes from. */
  readonly name: string;
  /** Tokens that the model reads. */
  readonly tokens: number;
  /** Tokens at its end that it does not. */
  readonly cut: number;
}

/** Loads a model's tokenizer and checks that it belongs to the encoder. Throws `E_TOKENIZER_…` and the `E_MODEL_…` errors of files. */
export function loadModelTokenizer({ tokenizerFolder, config }: TokenizerPlace): Tokenizer {
  const tokenizer = loadTokenizer(tokenizerFolder);
  if (tokenizer.tokens <= config.vocabulary) return tokenizer;
  const found = tokenizer.tokens - 1;
  throw textError('E_TOKENIZER_VOCABULARY', { file: tokenizerFolder, found, wanted: config.vocabulary });
}

/** Token numbers of texts, cleaned, cut and padded to `length`. Throws as {@link loadModelTokenizer}. */
export function tokenizeTexts(place: TokenizerPlace, texts: readonly string[], length: number): readonly Tokens[] {
  const tokenizer = loadModelTokenizer(place);
  return texts.map((text) => tokenizer.encode(cleanPrompt(text), length));
}

/** How long each prompt is for a model that reads `length` tokens. Throws as {@link loadModelTokenizer}. */
export function measurePrompts(
  place: TokenizerPlace,
  prompts: readonly { readonly name: string; readonly text: string }[],
  length: number,
): readonly PromptLength[] {
  const tokens = tokenizeTexts(
    place,
    prompts.map(({ text }) => text),
    length,
  );
  return prompts.map(({ name }, at) => ({ name, tokens: tokens[at]!.count, cut: tokens[at]!.cut }));
}

/** Says that a prompt is too long for a model that reads `length` tokens; undefined when it is not. */
export function cutWarning({ name, cut }: Pick<PromptLength, 'name' | 'cut'>, length: number): string | undefined {
  if (cut === 0) return undefined;
  return `${name} is too long: its last ${cut} ${cut === 1 ? 'token is' : 'tokens are'} cut, the model reads ${length}`;
}
