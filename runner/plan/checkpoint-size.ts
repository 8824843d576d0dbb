import type { Plan } from './plan.ts';
import { blocksInFlight } from './schedule.ts';

/** What checkpoints of a run take, in bytes. */
export interface CheckpointSize {
  /** States of the blocks in flight, when there are most of them. */
  readonly state: number;
  /** On the disk at most: the two that are kept, the one that is being written, and the clean latents of all blocks. */
  readonly disk: number;
  /** One copy of the states, of which they are written. */
  readonly memory: number;
}

/** Arrays of a block's state (diffusion/block-state.ts). */
const STATE_ARRAYS = 4;
const FLOAT32_BYTES = 4;
/** Checkpoints that are on the disk at the same time: two, and one in the making. */
const AT_ONCE = 3;

/** A run whose left context is used again makes none: it lies in the stages. */
export function checkpointSize(plan: Plan): CheckpointSize {
  const { blocks, sampling, stride, leftContext, windowLatents, blockLatents } = plan;
  if (leftContext === 'reuse') return { state: 0, disk: 0, memory: 0 };
  const latent = plan.latentChannels * plan.latentHeight * plan.latentWidth * FLOAT32_BYTES;
  const later = blocksInFlight({ blocks, steps: sampling.steps, stride }) - 1;
  const state = STATE_ARRAYS * (windowLatents + later * blockLatents) * latent;
  const finished = (windowLatents + (blocks - 1) * blockLatents) * latent;
  return { state, disk: AT_ONCE * state + finished, memory: state };
}
