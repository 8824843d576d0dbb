import { join } from 'node:path';
import type { F32Tensor } from '../../../runner/tensor.ts';
import { openModel } from '../../../runner/weights/open-model.ts';
import { readTensors } from '../../../runner/weights/read-tensors.ts';
import { comparison, type GroupCheck } from '../compare.ts';
import { caseInput, runToEnd, setting } from '../run-case.ts';
import { decodeAll } from './vae.ts';

/** `[1, 3, T, H, W]` in [−1, 1] as the reference's pipeline gives pictures: `[1, T, 3, H, W]` in [0, 1]. */
function asPictures({ shape, data }: F32Tensor): F32Tensor {
  const [one = 1, channels = 3, frames = 0, height = 0, width = 0] = shape;
  const area = height * width;
  const pictures = new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let frame = 0; frame < frames; frame++) {
      const from = (channel * frames + frame) * area;
      const to = (frame * channels + channel) * area;
      for (let at = 0; at < area; at++) {
        pictures[to + at] = Math.min(1, Math.max(0, data[from + at]! / 2 + 0.5));
      }
    }
  }
  return { shape: [one, frames, channels, height, width], data: pictures };
}

/** A plain, undivided run: one block that holds the whole film. */
export const pipelineCheck: GroupCheck = {
  name: 'pipeline',
  files: ['pipeline.safetensors', 'text.safetensors', 'tiny-wan/model_index.json'],
  async run(folder) {
    const golden = readTensors(join(folder, 'pipeline.safetensors'));
    const noise = golden.f32('noise');
    const latents = noise.shape[2]!;
    const input = caseInput(
      {
        folder,
        experts: 1,
        steps: setting(golden, 'steps'),
        guidance: [setting<number>(golden, 'guidance')],
        flowShift: setting(golden, 'flow_shift'),
        blockLatents: latents,
        contextLatents: 0,
        leftContext: 'recompute',
        guidanceInterval: null,
        stride: 1,
        latents,
        pool: noise,
        orders: [],
      },
      1,
    );
    const clean = await runToEnd(input);
    const frames = asPictures(decodeAll(openModel(join(folder, 'tiny-wan')), clean));
    return [
      comparison('pipeline latents', [[clean, golden.f32('latents')]]),
      comparison('pipeline frames', [[frames, golden.f32('frames')]]),
    ];
  },
};
