import { openNoisePool } from '../diffusion/noise-pool.ts';
import { copyLatents } from '../latents.ts';
import { createBinding } from '../ort/binding.ts';
import { deviceValue, hostValue, type Value } from '../ort/value.ts';
import type { Item } from '../plan/schedule.ts';
import { blockStates, latentElements, ownLatents, placesOf } from './layout.ts';
import { loadGraph, own } from './load.ts';
import type { Ring } from './ring.ts';
import type { StageTask } from './stage-task.ts';

/** The start of the ring: blocks become hidden states. */
export interface Entry {
  /** Hidden states `[1, S, D]` of the item's window, once its block and left neighbour are up to date. */
  enter(item: Readonly<Item>): Value;
}

/** Loads the embedders and opens the noise pool. New blocks start from the pool here, in block order. */
export function openEntry(task: StageTask, ring: Ring, stack: DisposableStack): Entry {
  const { dtype, plan, transformer } = task;
  const { latentChannels: C, latentHeight, latentWidth, windowLatents, contextLatents } = plan;
  const area = latentHeight * latentWidth;
  const pool = openNoisePool(task.noise);
  const stateOf = blockStates(task.shared, plan);
  const places = placesOf(plan);
  const window = new Float32Array(windowLatents * latentElements(plan));
  const windowMemory = { data: window, channels: C, latents: windowLatents, area };
  const windowValue = own(stack, hostValue(window, 'F32', [1, C, windowLatents, latentHeight, latentWidth]));
  const tokens = windowLatents * plan.tokensPerLatent;
  const embedders = task.experts.map(({ entry }, expert) => {
    const session = loadGraph(task, expert, entry!.embed, 'the patch embedder', stack);
    const hidden = own(stack, deviceValue(session, dtype, [1, tokens, transformer.width]));
    const binding = own(stack, createBinding(session));
    binding.bindOutput('x', hidden);
    return { binding, hidden };
  });

  /** Pure noise, and no memory of the block that was in this place before. */
  function start(block: number): void {
    ring.waitForTaken(block + 1 - places);
    const { x, last, estimate1, estimate2 } = stateOf(block);
    pool.next(x);
    for (const array of [last, estimate1, estimate2]) array.fill(0);
  }

  /** The last latents of the left neighbour as they are now, then the block's own. */
  function gather(block: number): void {
    if (block > 0) copyTail(block - 1, contextLatents, 0);
    copyTail(block, ownLatents(plan, block), block > 0 ? contextLatents : 0);
  }

  function copyTail(block: number, count: number, at: number): void {
    const latents = ownLatents(plan, block);
    const sample = { data: stateOf(block).x, channels: C, latents, area };
    copyLatents(sample, latents - count, count, windowMemory, at);
  }

  return {
    enter(item) {
      const { binding, hidden } = embedders[item.expert]!;
      // Both branches see the same window, and it cannot change before both are through.
      if (item.branch > 0) return hidden;
      ring.waitForCompleted(item.needs);
      ring.working(item.block);
      if (item.step === 0) start(item.block);
      gather(item.block);
      binding.bindInput('latents', windowValue);
      binding.run();
      return hidden;
    },
  };
}
