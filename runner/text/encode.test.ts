import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuDevices } from '../ort/device.ts';
import { openModel } from '../weights/open-model.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { encodePrompts } from './encode.ts';
import type { EncodeOptions, TextModel } from './encode-texts.ts';
import { cutWarning, measurePrompts } from './prompt-tokens.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden/data');
const BOUND = 1e-4;

const { config, text: weights, tokenizerFolder } = openModel(join(GOLDEN, 'tiny-wan'));
const model: TextModel = { config: config.text, weights, tokenizerFolder };
const [device] = cpuDevices(1);
const options: EncodeOptions = { maxSequenceLength: 64, device: device! };
const prompt = (text: string, name = 'prompt') => ({ name, text });

describe('encoding prompts', () => {
  it('gives the embeddings of the reference, of a prompt that is cut too', async () => {
    const file = readTensors(join(GOLDEN, 'text.safetensors'));
    const golden = file.f32('embeds');
    const texts: readonly string[] = JSON.parse(file.metadata.prompts ?? '');
    const prompts = texts.map((text, i) => prompt(text, `prompt ${i}`));
    const { embeddings, warnings } = await encodePrompts(model, prompts, options);
    const [, length, width] = golden.shape as [number, number, number];
    embeddings.forEach(({ shape, data }, i) => {
      expect(shape).toEqual([1, length, width]);
      const wanted = golden.data.subarray(i * data.length, (i + 1) * data.length);
      expect(data.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[at]!)), 0)).toBeLessThan(BOUND);
    });
    expect(warnings).toEqual([]);
    const cut = measurePrompts(model, prompts, 64).flatMap((prompt) => cutWarning(prompt, 64) ?? []);
    expect(cut).toEqual([
      expect.stringMatching(/^prompt 3 is too long: its last \d+ tokens are cut, the model reads 64$/),
    ]);
  });

  it('gives the same bits each time, and one embedding for equal texts', async () => {
    const first = await encodePrompts(model, [prompt('a red circle'), prompt(''), prompt('a red circle')], options);
    const second = await encodePrompts(model, [prompt('a red circle')], options);
    expect(first.embeddings[2]).toBe(first.embeddings[0]);
    expect(second.embeddings[0]).toEqual(first.embeddings[0]);
    expect(first.embeddings[1]).not.toEqual(first.embeddings[0]);
  });

  it('reads a prompt cleaned', async () => {
    const { embeddings } = await encodePrompts(
      model,
      [prompt(' a  red&nbsp;circle\n'), prompt('a red circle')],
      options,
    );
    expect(embeddings[0]).toEqual(embeddings[1]);
  });

  it('names a tokenizer of another model', async () => {
    const other = { ...model, config: { ...model.config, vocabulary: 40 } };
    await expect(encodePrompts(other, [prompt('a red circle')], options)).rejects.toMatchObject({
      code: 'E_TOKENIZER_VOCABULARY',
      exit: 'model',
    });
  });

  it('stops at an abort with its reason', async () => {
    const controller = new AbortController();
    const encoding = encodePrompts(model, [prompt('a red circle')], options, controller.signal);
    controller.abort(new Error('the user stopped it'));
    await expect(encoding).rejects.toThrow('the user stopped it');
  });
});
