import { guide } from '../diffusion/guidance.ts';
import { createSampler } from '../diffusion/sampler.ts';
import type { Value } from '../ort/value.ts';
import type { Item } from '../plan/schedule.ts';
import { allFinite } from '../tensor.ts';
import { blockStates, latentElements, ownLatents, traceOf } from './layout.ts';
import { notFinite } from './not-finite.ts';
import type { Residence } from './residence.ts';
import type { StageTask } from './stage-task.ts';
import { windowOf } from './window.ts';

/**
 * Guidance and the sampler's step, in place in the block's state. Velocities are float32 `[1, C, F, h, w]` over the block's window;
 * `unconditional` is null where the step is not guided.
 */
export type Update = (item: Readonly<Item>, conditional: Value, unconditional: Value | null) => void;

/** Prepares the updates of a run on the CPU, whose velocities and states are this process's memory. They allocate nothing. */
export function openUpdate(task: StageTask, residence: Residence): Update {
  const { plan, shared } = task;
  const { latentChannels: channels, latentHeight, latentWidth, sampling } = plan;
  const plane = latentHeight * latentWidth;
  const sampler = createSampler(sampling);
  const stateOf = blockStates(shared, plan);
  const partOf = (block: number) => {
    const own = ownLatents(plan, block);
    const guided = new Float32Array(own * latentElements(plan));
    return { own: { channels, skip: (windowOf(plan, block) - own) * plane, count: own * plane }, guided };
  };
  const first = partOf(0);
  const later = partOf(1);
  return ({ block, step, expert, ordinal }, conditional, unconditional) => {
    const { own, guided } = block === 0 ? first : later;
    const state = stateOf(block);
    state.step = step;
    const scale = sampling.guidanceScales[expert]!;
    guide(conditional.data as Float32Array, (unconditional?.data ?? null) as Float32Array | null, scale, own, guided);
    sampler.step(state, guided);
    if (!allFinite(state.x)) throw notFinite(task, block, step, residence);
    traceOf(shared, plan, ordinal, block)?.set(state.x);
  };
}
