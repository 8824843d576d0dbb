import { openNoisePool } from '../diffusion/noise-pool.ts';
import { createBinding } from '../ort/binding.ts';
import { own } from '../ort/lifetime.ts';
import type { Value } from '../ort/value.ts';
import type { Item } from '../plan/schedule.ts';
import { openDeviceSamples } from './device-samples.ts';
import { blockStates, latentElements, ownLatents, placesOf } from './layout.ts';
import { lineOf } from './line.ts';
import { loadGraph } from './load.ts';
import { statePlaces } from './places.ts';
import type { Residence } from './residence.ts';
import { startedBefore } from './resume.ts';
import type { Ring } from './ring.ts';
import { hostSamples, type SampleWindow } from './samples.ts';
import type { Stage } from './stage.ts';
import type { StageTask } from './stage-task.ts';
import { perWindow } from './window.ts';

/** The start of a line: blocks become hidden states. */
export interface Entry {
  /** Hidden states `[1, S, D]` of the item's window, once its block and left neighbour are up to date. */
  enter(item: Readonly<Item>): Value;
}

/**
 * Loads the embedders, and opens the noise pool: new blocks start from it here, in block order, but on a line of branch 1 alone,
 * which waits for the other line to start them.
 */
export function openEntry(task: StageTask, ring: Ring, { residence }: Stage, stack: DisposableStack): Entry {
  const { plan, shared } = task;
  const { contextLatents } = plan;
  const starts = lineOf(plan, task.stage).branch !== 1;
  const pool = openNoisePool(task.noise);
  pool.skip(startedBefore(task));
  const stateOf = blockStates(shared, plan);
  const places = placesOf(plan);
  const steps = shared.statePlaces === null ? null : statePlaces(shared.statePlaces).steps;
  const copyTail = residence.copies === null ? hostSamples(task) : openDeviceSamples(task, residence, residence.copies);
  const windowFor = perWindow(plan, (latents) => openWindow(task, latents, residence, stack));

  /** Pure noise, and no memory of the block that was in this place before. */
  function start(block: number): void {
    ring.waitForTaken(block + 1 - places);
    const { x, last, estimate1, estimate2 } = stateOf(block);
    pool.next(x);
    for (const array of [last, estimate1, estimate2]) array.fill(0);
    if (steps !== null) Atomics.store(steps, block % places, 0);
    ring.announceStarted();
  }

  /** The last latents of the left neighbour as they are now, if the window has room for them, then the block's own. */
  function gather(block: number, window: SampleWindow): void {
    const count = ownLatents(plan, block);
    const left = window.latents - count;
    if (left > 0) copyTail(block - 1, contextLatents, window, 0);
    copyTail(block, count, window, left);
  }

  return {
    enter(item) {
      const window = windowFor(item.block);
      const { binding, hidden } = window.embedders[item.expert]!;
      // Both branches see the same window, and it cannot change before both are through.
      if (item.branch > 0 && starts) return hidden;
      ring.waitForCompleted(item.needs);
      if (item.step === 0 && !starts) ring.waitForStarted(item.block + 1);
      ring.working(item.block);
      if (item.step === 0 && starts) start(item.block);
      gather(item.block, window);
      binding.bindInput('latents', window.value);
      binding.run();
      return hidden;
    },
  };
}

/** Embedders of all experts for a window of `latents` latents, and where their inputs and outputs lie. */
function openWindow(task: StageTask, latents: number, { copies, put, room }: Residence, stack: DisposableStack) {
  const { dtype, plan, transformer } = task;
  const { latentChannels, latentHeight, latentWidth } = plan;
  const shape = [1, latentChannels, latents, latentHeight, latentWidth];
  const embedders = task.experts.map(({ entry }, expert) => {
    const session = loadGraph(task, expert, entry!.embed.get(latents)!, 'the patch embedder', stack);
    const hidden = room(dtype, [1, latents * plan.tokensPerLatent, transformer.width]);
    const binding = own(stack, createBinding(session));
    binding.bindOutput('x', hidden);
    return { binding, hidden };
  });
  const value =
    copies === null ? put(new Float32Array(latents * latentElements(plan)), 'F32', shape) : room('F32', shape);
  return { latents, value, embedders };
}
