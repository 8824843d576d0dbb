import { guide } from '../diffusion/guidance.ts';
import { createSampler } from '../diffusion/sampler.ts';
import { createBinding } from '../ort/binding.ts';
import { deviceValue, hostValue, type Value } from '../ort/value.ts';
import type { Item } from '../plan/schedule.ts';
import { allFinite } from '../tensor.ts';
import { blockStates, latentElements, modulationOf, ownLatents, traceOf } from './layout.ts';
import { loadGraph, own } from './load.ts';
import { notFinite } from './not-finite.ts';
import type { StageTask } from './stage-task.ts';

/** The end of the ring: hidden states become the next sample of their block. */
export interface Update {
  /** Where the last stage leaves its hidden states `[1, S, D]`. */
  readonly hidden: Value;
  /** Velocity of the item's branch; after the last branch guidance and the sampler's step, in place in the block's state. */
  leave(item: Readonly<Item>): void;
}

/** Loads the head. Block states are shared memory: what is written here is what stage 0 reads when the block comes again. */
export function openUpdate(task: StageTask, stack: DisposableStack): Update {
  const { dtype, plan, shared, transformer } = task;
  const { latentChannels: C, latentHeight, latentWidth, windowLatents, sampling, branches } = plan;
  const plane = latentHeight * latentWidth;
  const { width: D } = transformer;
  const sampler = createSampler(sampling);
  const stateOf = blockStates(shared, plan);
  const heads = task.experts.map(({ head }, expert) => {
    const session = loadGraph(task, expert, head!, 'the head', stack);
    return { session, binding: own(stack, createBinding(session)) };
  });
  const hidden = own(stack, deviceValue(heads[0]!.session, dtype, [1, windowLatents * plan.tokensPerLatent, D]));
  const velocities = Array.from({ length: branches }, () => {
    const data = new Float32Array(windowLatents * latentElements(plan));
    return { data, value: own(stack, hostValue(data, 'F32', [1, C, windowLatents, latentHeight, latentWidth])) };
  });
  const modulation = Array.from({ length: sampling.steps }, (_, step) =>
    own(stack, hostValue(modulationOf(shared, D, step).head, 'F32', [1, D])),
  );
  const guided = new Float32Array(windowLatents * latentElements(plan));
  const guidedLater = guided.subarray(0, plan.blockLatents * latentElements(plan));
  const conditional = velocities[0]!.data;
  const unconditional = velocities[1]?.data ?? null;
  const ownOf = (block: number) => {
    const own = ownLatents(plan, block);
    return { channels: C, skip: (windowLatents - own) * plane, count: own * plane };
  };
  const ownFirst = ownOf(0);
  const ownLater = ownOf(1);

  function step({ block, step: stepIndex, expert, index }: Readonly<Item>): void {
    const velocity = block === 0 ? guided : guidedLater;
    const state = stateOf(block);
    state.step = stepIndex;
    guide(conditional, unconditional, sampling.guidanceScales[expert]!, block === 0 ? ownFirst : ownLater, velocity);
    sampler.step(state, velocity);
    if (!allFinite(state.x)) throw notFinite(task, block, stepIndex);
    traceOf(shared, plan, (index + 1) / branches - 1, block)?.set(state.x);
  }

  return {
    hidden,
    leave(item) {
      const { binding } = heads[item.expert]!;
      binding.bindInput('x', hidden);
      binding.bindInput('temb', modulation[item.step]!);
      binding.bindOutput('velocity', velocities[item.branch]!.value);
      binding.run();
      if (item.branch === branches - 1) step(item);
    },
  };
}
