import { createHash } from 'node:crypto';
import { openPipeline, type Pipeline, type PipelineInput } from '../../runner/pipeline/driver.ts';
import type { F32Tensor } from '../../runner/tensor.ts';

/** Runs a pipeline to its end and gives the film's latents `[1, C, F, h, w]`. `see` looks at it before it is disposed. */
export async function filmOf(input: PipelineInput, see: (pipeline: Pipeline) => void = () => {}): Promise<F32Tensor> {
  await using pipeline = await openPipeline(input);
  const { latentChannels: channels, latents, latentHeight, latentWidth } = input.plan;
  const plane = latentHeight * latentWidth;
  const data = new Float32Array(channels * latents * plane);
  for await (const { firstLatent, latents: block } of pipeline.finishedBlocks()) {
    const length = block.shape[2]! * plane;
    for (let channel = 0; channel < channels; channel++) {
      const values = block.data.subarray(channel * length, (channel + 1) * length);
      data.set(values, (channel * latents + firstLatent) * plane);
    }
  }
  see(pipeline);
  return { shape: [1, channels, latents, latentHeight, latentWidth], data };
}

/** Every bit of a tensor in short. */
export function fingerprint({ shape, data }: F32Tensor): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `[${shape}] ${createHash('sha256').update(bytes).digest('hex')}`;
}
