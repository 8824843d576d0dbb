import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadTokenizer } from './tokenizer.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden/data');

interface Case {
  readonly text: string;
  readonly ids: readonly number[];
}

const spmCases: readonly Case[] = JSON.parse(readFileSync(join(GOLDEN, 'tokenizer-spm/cases.json'), 'utf8'));

/** Prompts and their token numbers from `text.safetensors`, whose `ids` are 64-bit integers. */
function goldenPrompts(): readonly Case[] {
  const file = readFileSync(join(GOLDEN, 'text.safetensors'));
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + headerBytes).toString('utf8'));
  const prompts: readonly string[] = JSON.parse(header.__metadata__.prompts);
  const [, length] = header.ids.shape;
  const start = 8 + headerBytes + header.ids.data_offsets[0];
  const idAt = (i: number) => Number(file.readBigInt64LE(start + 8 * i));
  return prompts.map((text, p) => ({ text, ids: Array.from({ length }, (_, i) => idAt(p * length + i)) }));
}

describe('a tokenizer with the parts of a SentencePiece conversion', () => {
  const tokenizer = loadTokenizer(join(GOLDEN, 'tokenizer-spm'));

  it.each(spmCases)('gives the numbers of the reference for $text', ({ text, ids }) => {
    const { ids: found, count, cut } = tokenizer.encode(text, 64);
    expect({ ids: found.slice(0, count), cut }).toEqual({ ids, cut: 0 });
    expect(found.slice(count)).toEqual(new Array(64 - count).fill(0));
  });

  it('knows how many tokens there are', () => {
    expect(tokenizer.tokens).toBe(372);
  });
});

describe('the tokenizer of a Wan pipeline', () => {
  const tokenizer = loadTokenizer(join(GOLDEN, 'tiny-wan/tokenizer'));

  it.each(goldenPrompts())('cuts and pads as the reference does: $text', ({ text, ids }) => {
    expect(tokenizer.encode(text, 64).ids).toEqual(ids);
  });

  it('says how many tokens it cut, and keeps the end token', () => {
    const whole = tokenizer.encode('a red circle', 64);
    const cut = tokenizer.encode('a red circle', 5);
    expect(cut).toEqual({ ids: [...whole.ids.slice(0, 4), 1], count: 5, cut: whole.count - 5 });
    expect(tokenizer.encode('a red circle', 1)).toEqual({ ids: [1], count: 1, cut: whole.count - 1 });
  });

  it('reads a text of many characters that are not in its vocabulary in reasonable time', () => {
    expect(tokenizer.encode('灯'.repeat(16_384), 512).count).toBe(3);
  });
});

describe('a tokenizer that cannot be used', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dualparal-tokenizer-'));
    writeFileSync(join(folder, 'tokenizer_config.json'), '{"pad_token": "<pad>"}');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const good = {
    model: {
      type: 'Unigram',
      unk_id: 1,
      vocab: [
        ['<pad>', 0],
        ['<unk>', 0],
        ['a', -1],
      ],
    },
  };

  it.each([
    {
      name: 'is not there',
      content: undefined,
      code: 'E_MODEL_MISSING',
      reason: '/tokenizer.json: the file is missing',
    },
    { name: 'is no JSON', content: '{]', code: 'E_MODEL_FILE', reason: '/tokenizer.json: it is not JSON' },
    { name: 'is cut short', content: '{"model', code: 'E_MODEL_INCOMPLETE', reason: '/tokenizer.json: it is not JSON' },
    {
      name: 'is of another kind',
      content: { model: { type: 'BPE' } },
      code: 'E_TOKENIZER_UNSUPPORTED',
      reason: "the model 'BPE'",
    },
    {
      name: 'normalises in an unknown way',
      content: { ...good, normalizer: { type: 'Sequence', normalizers: [{ type: 'Nmt' }] } },
      code: 'E_TOKENIZER_UNSUPPORTED',
      reason: "the normalizer 'Nmt'",
    },
    {
      name: 'splits in an unknown way',
      content: { ...good, pre_tokenizer: { type: 'ByteLevel' } },
      code: 'E_TOKENIZER_UNSUPPORTED',
      reason: "the pre-tokenizer 'ByteLevel', which is not supported; supported: Metaspace, WhitespaceSplit, Sequence",
    },
    {
      name: 'has a cut character map',
      content: { ...good, normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAg=' } },
      code: 'E_TOKENIZER_FILE',
      reason: 'its character map is cut',
    },
    {
      name: 'has a character map shorter than it says',
      content: { ...good, normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAgAAAAgAAA=' } },
      code: 'E_TOKENIZER_FILE',
      reason: 'its character map is cut',
    },
    {
      name: 'has a bad pattern',
      content: { ...good, normalizer: { type: 'Replace', pattern: { Regex: '(' }, content: '' } },
      code: 'E_TOKENIZER_FILE',
      reason: 'regular expression',
    },
    {
      name: 'has a vocabulary without scores',
      content: { model: { ...good.model, vocab: [['a']] } },
      code: 'E_TOKENIZER_FILE',
      reason: 'model.vocab: is not a list of pieces and their scores',
    },
    {
      name: 'lacks its padding',
      content: {
        model: {
          ...good.model,
          vocab: [
            ['a', -1],
            ['<unk>', 0],
          ],
        },
      },
      code: 'E_TOKENIZER_FILE',
      reason: 'padding token',
    },
    {
      name: 'lists its normalizers as a number',
      content: { ...good, normalizer: { type: 'Sequence', normalizers: 5 } },
      code: 'E_TOKENIZER_FILE',
      reason: 'type',
    },
    {
      name: 'ends texts with a token that it does not know',
      content: {
        ...good,
        post_processor: {
          type: 'TemplateProcessing',
          single: [{ Sequence: { id: 'A' } }, { SpecialToken: { id: '</s>' } }],
          special_tokens: {},
        },
      },
      code: 'E_TOKENIZER_FILE',
      reason: 'its template names "</s>", which is not among its special tokens',
    },
    {
      name: 'is a Git LFS pointer',
      content: `version https://lfs.example/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 16837417\n`,
      code: 'E_MODEL_POINTER',
      reason: '/tokenizer.json: is a Git LFS pointer, not the file itself; run git lfs pull',
    },
    {
      name: 'is a page of a web site',
      content: '<!DOCTYPE html>\n<html><title>Log in</title></html>',
      code: 'E_MODEL_PAGE',
      reason: '/tokenizer.json: holds a web page, not the file itself; download it again, logged in',
    },
  ])('is named when it $name', ({ content, code, reason }) => {
    const file = join(folder, 'tokenizer.json');
    if (content !== undefined) writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    const message = expect.stringContaining(reason);
    expect(() => loadTokenizer(folder)).toThrow(expect.objectContaining({ code, exit: 'model', message }));
  });

  it('says what to do when only the file that it is made from is there', () => {
    writeFileSync(join(folder, 'spiece.model'), 'x');
    const message = expect.stringMatching(
      /\/tokenizer\.json: the file is missing, and spiece\.model alone is not enough;/,
    );
    expect(() => loadTokenizer(folder)).toThrow(expect.objectContaining({ code: 'E_TOKENIZER_MISSING', message }));
  });

  it('is read when its files begin with a byte order mark', () => {
    writeFileSync(join(folder, 'tokenizer.json'), `\ufeff${JSON.stringify(good)}`);
    writeFileSync(join(folder, 'tokenizer_config.json'), '\ufeff{"pad_token": {"content": "<pad>"}}');
    expect(loadTokenizer(folder).encode('a', 3)).toEqual({ ids: [2, 0, 0], count: 1, cut: 0 });
  });

  it.each([
    { setting: { padding_side: 'left' }, supported: '"right"' },
    { setting: { truncation_side: 'left' }, supported: '"right"' },
    { setting: { do_lower_case: true }, supported: 'false' },
    { setting: { add_eos_token: false }, supported: 'true' },
    { setting: { tokenizer_class: 'BertTokenizer' }, supported: 'T5Tokenizer, T5TokenizerFast, TokenizersBackend' },
  ])('is refused with a setting that is not honoured: $setting', ({ setting, supported }) => {
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(good));
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(setting));
    const [[field, value] = []] = Object.entries(setting);
    const asked = `tokenizer_config.json asks for ${field} ${JSON.stringify(value)}, which is not supported; `;
    const message = expect.stringContaining(`${asked}supported: ${supported}`);
    expect(() => loadTokenizer(folder)).toThrow(expect.objectContaining({ code: 'E_TOKENIZER_UNSUPPORTED', message }));
  });

  it('is taken with the settings that published tokenizers have', () => {
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(good));
    const published = {
      additional_special_tokens: ['<extra_id_0>'],
      clean_up_tokenization_spaces: true,
      eos_token: '</s>',
      extra_ids: 300,
      legacy: true,
      model_max_length: 1e30,
      pad_token: '<pad>',
      padding_side: 'right',
      sp_model_kwargs: {},
      spaces_between_special_tokens: false,
      tokenizer_class: 'T5Tokenizer',
      unk_token: '<unk>',
    };
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(published));
    expect(loadTokenizer(folder).tokens).toBe(3);
  });

  it('is named by its configuration when that is what cannot be read', () => {
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(good));
    writeFileSync(join(folder, 'tokenizer_config.json'), '{"pad_token": 3}');
    const message = expect.stringContaining('tokenizer_config.json: pad_token');
    expect(() => loadTokenizer(folder)).toThrow(expect.objectContaining({ code: 'E_TOKENIZER_FILE', message }));
  });
});
