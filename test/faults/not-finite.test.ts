import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openFrameDecoder } from '../../runner/decode/frames.ts';
import { replayStart } from '../../runner/decode/replay.ts';
import { TILING } from '../../runner/decode/tiles.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { openPipeline } from '../../runner/pipeline/driver.ts';
import { zeros } from '../../runner/tensor.ts';
import { encodePrompts } from '../../runner/text/encode.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { type Poison, poisonedModel } from '../build/poisoned-model.ts';
import { modelInput } from '../same-bits/inputs.ts';

const SOURCE = join(import.meta.dirname, '../golden/data/tiny-wan');
const folder = mkdtempSync(join(tmpdir(), 'dualparal-poison-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [device] = cpuDevices(1);
const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

function poisoned(poison: Poison) {
  poisonedModel(SOURCE, join(folder, 'model'), poison);
  return openModel(join(folder, 'model'));
}

/** Every tensor of a component, of equal layers those of one, each with a bad number in another place. */
function everyTensor(component: Poison['component']): readonly Poison[] {
  const all = [...openModel(SOURCE)[component].tensors].filter(
    ([tensor]) => !/^(blocks|encoder\.block)\.[0134]\./.test(tensor),
  );
  return all.map(([tensor, { byteLength }], index) => ({
    component,
    tensor,
    at: (index * 7919) % (byteLength / 4),
    value: VALUES[index % VALUES.length]!,
  }));
}

/** Runs the transformer over three stages; the error, or the blocks if there is none. */
async function denoise(model: ReturnType<typeof openModel>): Promise<unknown> {
  const input = modelInput(model, { stages: 3, steps: 2, frames: 29, blockLatents: 4, contextLatents: 2 });
  try {
    await using pipeline = await openPipeline(input);
    return await Array.fromAsync(pipeline.finishedBlocks());
  } catch (error) {
    return error;
  }
}

/** Where a transformer's tensor is used: layers 0–1, 2–3 and 4 are stages 0, 1 and 2. */
function placeOf(tensor: string): RegExp {
  const layer = /^blocks\.(\d+)\./.exec(tensor)?.[1];
  if (layer !== undefined) return new RegExp(`^stage ${Math.floor(Number(layer) / 2)} \\(layers `);
  if (tensor.includes('text_embedder')) return /^the prompt's embedder/;
  if (tensor.includes('time_')) return /^the timestep embedder/;
  return tensor.startsWith('patch_embedding') ? /^stage 0 / : /^stage 2 /;
}

describe('a weight that is not finite ends the run with an error that says where', () => {
  // The feed-forward's activation and the gates of attention swallow some infinities: what comes out is finite, and a film.
  test.each(everyTensor('transformer').filter(({ value }) => Number.isNaN(value)))(
    'transformer: NaN in $tensor',
    async (poison) => {
      expect(await denoise(poisoned(poison))).toMatchObject({
        code: 'E_PIPELINE_NOT_FINITE',
        message: expect.stringMatching(placeOf(poison.tensor)),
        exit: 'model',
      });
    },
  );

  test.each(everyTensor('transformer').filter(({ value }) => value > 0))(
    'transformer: ∞ in $tensor',
    async (poison) => {
      expect(await denoise(poisoned(poison))).toMatchObject({ code: 'E_PIPELINE_NOT_FINITE' });
    },
  );

  test.each(
    everyTensor('text').filter(
      ({ tensor }) => !tensor.includes('relative_attention_bias') && !tensor.includes('shared'),
    ),
  )('text encoder: $value in $tensor', async (poison) => {
    const { config, text, tokenizerFolder } = poisoned(poison);
    const model = { config: config.text, weights: text, tokenizerFolder };
    const encoding = encodePrompts(model, [{ name: 'prompt', text: 'a red circle' }], {
      maxSequenceLength: 64,
      device: device!,
    });
    await expect(encoding).rejects.toMatchObject({ code: 'E_TEXT_NOT_FINITE', exit: 'model' });
  });

  test.each(
    everyTensor('vae').filter(({ tensor }) =>
      /^(decoder\.(conv|norm|mid|up_blocks\.\d\.(resnets\.0|upsamplers))|post_quant)/.test(tensor),
    ),
  )('decoder: $value in $tensor', async (poison) => {
    const { config, vae } = poisoned(poison);
    const latents = zeros([1, 16, 3, 4, 4]);
    latents.data.fill(0.5);
    const options = { parts: [{ device: device! }], latentHeight: 4, latentWidth: 4 };
    await using decoder = await openFrameDecoder({ config: config.vae, weights: vae }, options);
    await expect(Array.fromAsync(decoder.decode(latents))).rejects.toMatchObject({
      code: 'E_DECODE_NOT_FINITE',
      exit: 'model',
    });
  });

  test.each([
    { next: 1, what: 'near its beginning' },
    { next: 50, what: 'so late that it begins with zero states' },
  ])('a decoder that goes on with a film counts the film’s latents: $what', async ({ next }) => {
    const { config, vae } = openModel(SOURCE);
    const start = replayStart(config.vae, next);
    const latents = zeros([1, 16, 1, 4, 4]);
    latents.data.fill(Number.NaN);
    const before = zeros([1, 16, next - start, 4, 4]);
    const options = { parts: [{ device: device! }], latentHeight: 4, latentWidth: 4, from: { next, before } };
    await using decoder = await openFrameDecoder({ config: config.vae, weights: vae }, options);
    await expect(Array.fromAsync(decoder.decode(latents))).rejects.toMatchObject({
      code: 'E_DECODE_NOT_FINITE',
      message: expect.stringContaining(` at latent ${next}: `),
    });
  });

  test('decoder in tiles', async () => {
    const { config, vae } = poisoned({
      component: 'vae',
      tensor: 'decoder.conv_out.weight',
      at: 5,
      value: Number.POSITIVE_INFINITY,
    });
    const latents = zeros([1, 16, 1, 40, 40]);
    const options = { parts: [{ device: device! }], latentHeight: 40, latentWidth: 40, tiling: TILING };
    await using decoder = await openFrameDecoder({ config: config.vae, weights: vae }, options);
    await expect(Array.fromAsync(decoder.decode(latents))).rejects.toMatchObject({ code: 'E_DECODE_NOT_FINITE' });
  });
});
