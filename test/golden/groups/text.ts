import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuDevices } from '../../../runner/ort/device.ts';
import { cleanPrompt } from '../../../runner/text/clean-prompt.ts';
import { encodePrompts } from '../../../runner/text/encode.ts';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';
import { openModel } from '../../../runner/weights/open-model.ts';
import { readTensors } from '../../../runner/weights/read-tensors.ts';
import { BOUND, type Comparison, type GroupCheck, largestDifference, row } from '../compare.ts';
import { setting } from '../run-case.ts';

/** Token numbers are equal or they are not. */
function exact(group: string, pairs: readonly (readonly [readonly number[], readonly number[]])[]): Comparison {
  const deltas = pairs.map(([ours, reference]) => largestDifference(ours, reference));
  const delta = pairs.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...deltas);
  return { group, tensors: pairs.length, delta, bound: 0 };
}

const text: GroupCheck = {
  name: 'text',
  files: ['text.safetensors', 'tiny-wan/model_index.json'],
  async run(folder) {
    const golden = readTensors(join(folder, 'text.safetensors'));
    const prompts = setting<readonly string[]>(golden, 'prompts');
    const length = setting<number>(golden, 'max_length');
    const { config, text: weights, tokenizerFolder } = openModel(join(folder, 'tiny-wan'));
    const tokenizer = loadTokenizer(tokenizerFolder);
    const tokens = prompts.map((prompt) => tokenizer.encode(cleanPrompt(prompt), length));
    const named = prompts.map((prompt, index) => ({ name: `prompt ${index}`, text: prompt }));
    const options = { maxSequenceLength: length, device: cpuDevices(1)[0]! };
    const { embeddings } = await encodePrompts({ config: config.text, weights, tokenizerFolder }, named, options);
    const rows = (name: string) => {
      const { data } = golden.integers(name);
      return prompts.map((_, index) => data.slice(index * length, (index + 1) * length));
    };
    const masks = tokens.map(({ count, ids }) => ids.map((_, at) => (at < count ? 1 : 0)));
    const embeds = golden.f32('embeds');
    const deltas = embeddings.map(({ data }, index) => largestDifference(data, row(embeds, index).data));
    return [
      exact(
        'text ids',
        tokens.map(({ ids }, index) => [ids, rows('ids')[index] ?? []] as const),
      ),
      exact(
        'text mask',
        masks.map((mask, index) => [mask, rows('mask')[index] ?? []] as const),
      ),
      { group: 'text embeds', tensors: embeddings.length, delta: Math.max(...deltas), bound: BOUND },
    ];
  },
};

const tokenizerCases: GroupCheck = {
  name: 'tokenizer-spm',
  files: ['tokenizer-spm/cases.json', 'tokenizer-spm/tokenizer.json'],
  run(folder) {
    const file = readFileSync(join(folder, 'tokenizer-spm/cases.json'), 'utf8');
    const cases = JSON.parse(file) as readonly { readonly text: string; readonly ids: readonly number[] }[];
    const tokenizer = loadTokenizer(join(folder, 'tokenizer-spm'));
    const pairs = cases.map((each) => {
      const { ids, count } = tokenizer.encode(each.text, each.ids.length + 1);
      return [ids.slice(0, count), each.ids] as const;
    });
    return [exact('tokenizer-spm ids', pairs)];
  },
};

/** Token numbers, mask and embeddings of the tiny model, and the cases of a SentencePiece conversion. */
export const textChecks: readonly GroupCheck[] = [text, tokenizerCases];
