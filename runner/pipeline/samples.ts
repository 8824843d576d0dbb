import { copyLatents, type LatentMemory } from '../latents.ts';
import type { Value } from '../ort/value.ts';
import { blockStates, ownLatents } from './layout.ts';
import type { StageTask } from './stage-task.ts';

/** A window of latents `[1, C, F, h, w]` as the embedders read it. */
export interface SampleWindow {
  readonly latents: number;
  readonly value: Value;
}

/** Copies the last `count` latents of a block's sample, as it is now, into a window from latent `at` on. */
export type CopyTail = (block: number, count: number, window: SampleWindow, at: number) => void;

/** On the CPU samples and windows are this process's memory. */
export function hostSamples({ plan, shared }: StageTask): CopyTail {
  const { latentChannels: channels } = plan;
  const area = plan.latentHeight * plan.latentWidth;
  const stateOf = blockStates(shared, plan);
  return (block, count, { latents: windowLatents, value }, at) => {
    const latents = ownLatents(plan, block);
    const from: LatentMemory = { data: stateOf(block).x, channels, latents, area };
    const to: LatentMemory = { data: value.data as Float32Array, channels, latents: windowLatents, area };
    copyLatents(from, latents - count, count, to, at);
  };
}
