/**
 * Text to token numbers by a `tokenizer.json` of the Unigram kind, as UMT5's (docs/wan.md#prompts): tokens that are written out in the
 * text, normalisation, words, pieces, and the end token that the template appends.
 */

import { basename, join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '#contract/error.ts';
import { shortJson, shortText } from '../model/short-json.ts';
import { nameIsTaken } from '../store/regular-file.ts';
import { namesIn, readJsonFile } from '../weights/model-file.ts';
import { addedTokenSchema, createFinder } from './added-tokens.ts';
import { textError } from './errors.ts';
import { createNormalizer, NORMALIZERS } from './normalizer.ts';
import { readPadding } from './tokenizer-config.ts';
import { createUnigram, type Unigram } from './unigram.ts';
import { createSplitter, SPLITTERS } from './words.ts';

/** The token numbers of one text. */
export interface Tokens {
  /** `[length]` numbers: the text's, then padding. */
  readonly ids: readonly number[];
  /** How many of them are the text's, the end token included. */
  readonly count: number;
  /** How many tokens of the text were cut because it is too long. */
  readonly cut: number;
}

export interface Tokenizer {
  /** Largest token number and one: what the encoder's vocabulary must hold. */
  readonly tokens: number;
  /** Numbers of `text` (cleaned by the caller), cut and padded to `length`. */
  encode(text: string, length: number): Tokens;
}

const TOKENIZER_FILE = 'tokenizer.json';
const CONFIG_FILE = 'tokenizer_config.json';
/** What `tokenizer.json` is made from, and what the slow tokenizers of the reference read. */
const SOURCES = ['spiece.model', 'tokenizer.model', 'sentencepiece.bpe.model', 'vocab.txt', 'vocab.json'];

const templateSchema = z.object({
  type: z.literal('TemplateProcessing'),
  single: z.array(
    z.union([z.object({ Sequence: z.unknown() }), z.object({ SpecialToken: z.object({ id: z.string() }) })]),
  ),
  special_tokens: z.record(z.string(), z.object({ ids: z.array(z.int().min(0)) })),
});

const fileSchema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  normalizer: z.unknown().optional(),
  pre_tokenizer: z.unknown().optional(),
  post_processor: z.unknown().optional(),
  model: z.looseObject({
    type: z.literal('Unigram').optional(),
    unk_id: z.int().min(0),
    byte_fallback: z.boolean().default(false),
    vocab: z.custom<readonly (readonly [string, number])[]>(isVocabulary, 'is not a list of pieces and their scores'),
  }),
});
/** Five times that of UMT5, which knows more words than any other. */
const LIMIT_BYTES = 2 ** 26;

/**
 * Loads `tokenizer.json` and `tokenizer_config.json` of a folder. Anything that they ask for and this room lacks is refused by name.
 * Throws `E_TOKENIZER_…` and the `E_MODEL_…` errors of files.
 */
export function loadTokenizer(folder: string): Tokenizer {
  const file = labelOf(folder, TOKENIZER_FILE);
  const description = readTokenizerFile(folder);
  refuseOtherKinds(file, description);
  const parsed = explain(file, () => fileSchema.parse(description));
  const configFile = labelOf(folder, CONFIG_FILE);
  const padToken = explain(configFile, () => readPadding(readJson(folder, CONFIG_FILE), configFile));
  const { vocab: vocabulary, unk_id: unknown, byte_fallback: byteFallback } = parsed.model;
  const model = createUnigram({ vocabulary, unknown, byteFallback });
  const added = parsed.added_tokens;
  const idOf = (token: string) => added.find(({ content }) => content === token)?.id ?? model.idOf(token);
  const padding = idOf(padToken);
  if (padding === undefined) {
    throw textError('E_TOKENIZER_FILE', { file, reason: `it does not hold its padding token ${shortJson(padToken)}` });
  }

  const [before, after] = explain(file, () => readTemplate(parsed.post_processor));
  const toIds = explain(file, () => createPipeline(parsed, model));
  return {
    tokens: Math.max(
      model.tokens,
      ...[unknown, padding, ...before, ...after, ...added.map(({ id }) => id)].map((id) => id + 1),
    ),
    encode(text, length) {
      const found = toIds(text.toWellFormed());
      const room = Math.max(0, length - before.length - after.length);
      const ids = [...before, ...found.slice(0, room), ...after].slice(0, length);
      const paddings = new Array<number>(length - ids.length).fill(padding);
      return { ids: [...ids, ...paddings], count: ids.length, cut: Math.max(0, found.length - room) };
    },
  };
}

function createPipeline(parsed: z.output<typeof fileSchema>, model: Unigram): (text: string) => readonly number[] {
  const normalize = createNormalizer(parsed.normalizer);
  const split = createSplitter(parsed.pre_tokenizer);
  const verbatim = createFinder(parsed.added_tokens.filter(({ normalized }) => !normalized));
  const normalized = parsed.added_tokens.filter((token) => token.normalized);
  const afterwards = createFinder(normalized.map((token) => ({ ...token, content: normalize(token.content) })));
  return (text) =>
    verbatim(text, true).flatMap((outer) =>
      typeof outer === 'number'
        ? [outer]
        : afterwards(normalize(outer.text), outer.first).flatMap((inner) =>
            typeof inner === 'number' ? [inner] : split(inner.text, inner.first).flatMap(model.encode),
          ),
    );
}

/** Token numbers that stand before and after every text. */
function readTemplate(description: unknown): readonly [readonly number[], readonly number[]] {
  if (description === null || description === undefined) return [[], []];
  const { single, special_tokens } = templateSchema.parse(description);
  const ids = single.map((part) => {
    if ('Sequence' in part) return null;
    const { id } = part.SpecialToken;
    const known = Object.hasOwn(special_tokens, id) ? special_tokens[id]?.ids : undefined;
    if (known === undefined)
      throw new RangeError(`its template names ${shortJson(id)}, which is not among its special tokens`);
    return known;
  });
  const text = ids.indexOf(null);
  if (text < 0 || text !== ids.lastIndexOf(null)) throw new RangeError('its template does not hold the text once');
  const flat = (parts: typeof ids) => parts.flatMap((part) => part ?? []);
  return [flat(ids.slice(0, text)), flat(ids.slice(text + 1))];
}

/** What the file asks for, by name, before its details are read. */
function refuseOtherKinds(file: string, description: unknown): void {
  const refuse = (kind: string, part: unknown, supported: readonly string[]) => {
    const type = (part as { type?: unknown } | null | undefined)?.type;
    if (typeof type !== 'string' || supported.includes(type)) return;
    throw textError('E_TOKENIZER_UNSUPPORTED', {
      file,
      what: `the ${kind} '${shortText(type)}'`,
      supported: supported.join(', '),
    });
  };
  const parts = (description ?? {}) as Record<string, { normalizers?: unknown; pretokenizers?: unknown } | null>;
  const within = (steps: unknown): readonly unknown[] => (Array.isArray(steps) ? steps : []);
  refuse('model', parts.model, ['Unigram']);
  refuse('post-processor', parts.post_processor, ['TemplateProcessing']);
  for (const part of [parts.normalizer, ...within(parts.normalizer?.normalizers)])
    refuse('normalizer', part, NORMALIZERS);
  const splitters = [parts.pre_tokenizer, ...within(parts.pre_tokenizer?.pretokenizers)];
  for (const part of splitters) refuse('pre-tokenizer', part, SPLITTERS);
}

/** `tokenizer.json`; where only the files that it is made from are there, that is said. */
function readTokenizerFile(folder: string): unknown {
  if (!nameIsTaken(join(folder, TOKENIZER_FILE))) {
    const found = namesIn(folder).find((name) => SOURCES.includes(name));
    if (found !== undefined) {
      throw textError('E_TOKENIZER_MISSING', { file: labelOf(folder, TOKENIZER_FILE), found, folder });
    }
  }
  return readJson(folder, TOKENIZER_FILE);
}

/** A file's name in messages: with that of its folder, as other files of a model are named. */
function labelOf(folder: string, name: string): string {
  return `${basename(folder)}/${name}`;
}

function readJson(folder: string, name: string): unknown {
  const file = labelOf(folder, name);
  return explain(file, () => readJsonFile(join(folder, name), file, LIMIT_BYTES));
}

/** Runs `body`; what goes wrong in it is the file's fault. Errors that have a code say so themselves. */
function explain<T>(file: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    if (error instanceof z.ZodError) {
      const [issue] = error.issues;
      const reason = `${issue?.path.join('.') || 'its content'}: ${issue?.message}`;
      throw textError('E_TOKENIZER_FILE', { file, reason }, error);
    }
    throw textError('E_TOKENIZER_FILE', { file, reason: shortText((error as Error).message) }, error);
  }
}

function isVocabulary(value: unknown): boolean {
  const isEntry = (entry: unknown) =>
    Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number' && !Number.isNaN(entry[1]);
  return Array.isArray(value) && value.length > 0 && value.every(isEntry);
}
