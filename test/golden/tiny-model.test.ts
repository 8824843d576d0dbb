import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { givenNoise } from '../../runner/diffusion/noise-pool.ts';
import { noiseShapeOf } from '../../runner/noise.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { planJob } from '../../runner/plan-job.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { encodePrompts } from '../../runner/text/encode.ts';
import { readTensors } from '../../runner/weights/read-tensors.ts';
import { BOUND, distance } from './compare.ts';
import { decodeAll } from './groups/vae.ts';
import { runToEnd, setting } from './run-case.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Settings of `training/check.py`, which ran diffusers' own loader and pipeline on the model folder. */
interface Settings {
  readonly prompt: string;
  readonly negative_prompt: string;
  readonly steps: number;
  readonly guidance: number;
  readonly frames: number;
  readonly side: number;
}

/** Every sixteenth frame of `[1, 3, T, H, W]`, as the check stores them. */
function everySixteenth({ shape, data }: F32Tensor): F32Tensor {
  const [one = 1, channels = 3, frames = 0, height = 0, width = 0] = shape;
  const area = height * width;
  const kept = Math.ceil(frames / 16);
  const out = new Float32Array(channels * kept * area);
  for (let channel = 0; channel < channels; channel++) {
    for (let at = 0; at < kept; at++) {
      const from = (channel * frames + at * 16) * area;
      out.set(data.subarray(from, from + area), (channel * kept + at) * area);
    }
  }
  return { shape: [one, channels, kept, height, width], data: out };
}

test('the tiny model in our runner makes the latents and frames that it makes in the pipeline of diffusers', async () => {
  const file = readTensors(join(ROOT, 'training/check.safetensors'));
  const settings = setting<Settings>(file, 'settings');
  const noise = file.f32('noise');
  const spec = jobSpecSchema.parse({
    name: 'check',
    prompt: settings.prompt,
    negativePrompt: settings.negative_prompt,
    frames: settings.frames,
    size: { width: settings.side, height: settings.side },
    model: { ref: 'tiny', folder: join(ROOT, 'models/tiny') },
    sampling: { steps: settings.steps, guidanceScale: settings.guidance },
    parallelism: { gpus: 2, blockLatents: noise.shape[2], contextLatents: 0 },
    output: { folder: ROOT },
  });
  const { model, plan } = planJob(spec, {}, { device: 'cpu' });
  const text = { config: model.config.text, weights: model.text, tokenizerFolder: model.tokenizerFolder };
  const prompts = [settings.prompt, settings.negative_prompt].map((prompt, at) => ({
    name: `prompt ${at}`,
    text: prompt,
  }));
  const { embeddings } = await encodePrompts(text, prompts, { maxSequenceLength: 512, device: cpuDevices(1)[0]! });
  const [conditional, unconditional] = embeddings as [F32Tensor, F32Tensor];
  const latents = await runToEnd({
    plan,
    model,
    devices: cpuDevices(2),
    conditional,
    unconditional,
    noise: givenNoise(noise, [], noiseShapeOf(plan)),
  });
  expect(distance(latents, file.f32('latents'))).toBeLessThan(BOUND);
  expect(distance(everySixteenth(decodeAll(model, latents)), file.f32('frames'))).toBeLessThan(BOUND);
});
