import { rotaryTables } from '../model/rotary.ts';
import { type Binding, createBinding } from '../ort/binding.ts';
import type { Session } from '../ort/session.ts';
import { deviceValue, hostValue, type Value } from '../ort/value.ts';
import type { Item } from '../plan/schedule.ts';
import { createFeatureCache } from './feature-cache.ts';
import { modulationOf, promptOf } from './layout.ts';
import { loadGraph, own } from './load.ts';
import type { Ring } from './ring.ts';
import type { StageTask } from './stage-task.ts';

/** A slice of the layers on one device, ready to run any item. */
export interface Stage {
  /** Runs the layers of this stage over `input`, both `[1, S, D]`; leaves keys and values for the left neighbour. */
  run(item: Readonly<Item>, input: Value, output: Value): void;
}

/**
 * Loads a stage's slices and ties every kind of item to its memory once, so that running an item only exchanges the step's
 * modulation and the two hidden states. Waits for the shared tables before it computes its layers' view of the prompts.
 */
export function openStage(task: StageTask, ring: Ring, stack: DisposableStack): Stage {
  const { plan, transformer, shared, stage } = task;
  const { firstLayer, endLayer } = plan.stages[stage]!;
  const label = `layers ${firstLayer}–${endLayer - 1}`;
  const sessions = task.experts.map(({ slice }, expert) => {
    ring.throwIfStopped();
    return loadGraph(task, expert, slice, label, stack);
  });
  ring.waitForConditions();
  const prompts = sessions.map((session, expert) => promptKeys(task, session, expert, stack));
  const cache = createFeatureCache(
    sessions[0]!,
    {
      firstLayer,
      endLayer,
      contextTokens: plan.contextLatents * plan.tokensPerLatent,
      width: transformer.width,
      branches: plan.branches,
      dtype: task.dtype,
    },
    stack,
  );
  const tables = positions(task, stack);
  const passOf = (expert: number, hasRight: boolean, index: number): Binding => {
    const binding = own(stack, createBinding(sessions[expert]!));
    const table = hasRight ? tables.withRight : tables.alone;
    binding.bindInput('cos', table.cos);
    binding.bindInput('sin', table.sin);
    for (const [name, value] of prompts[expert]![index % plan.branches]!) binding.bindInput(name, value);
    cache.bind(binding, index, hasRight);
    return binding;
  };
  // One binding per expert, with and without right context, and per place in the cache's period.
  const passes = sessions.map((_, expert) =>
    [false, plan.contextLatents > 0 && plan.blocks > 1].map((hasRight) =>
      Array.from({ length: cache.period }, (__, index) => passOf(expert, hasRight, index)),
    ),
  );
  const modulation = Array.from({ length: plan.sampling.steps }, (_, step) => {
    const { layers } = modulationOf(shared, transformer.width, step);
    return own(stack, hostValue(layers, 'F32', [1, 6, transformer.width]));
  });
  return {
    run(item, input, output) {
      const binding = passes[item.expert]![item.hasRight ? 1 : 0]![item.index % cache.period]!;
      binding.bindInput('tproj', modulation[item.step]!);
      binding.bindInput('x', input);
      binding.bindOutput('y', output);
      binding.run();
    },
  };
}

/** Cross-attention's keys and values of every branch, by their names in the slice; they depend on the prompt only. */
function promptKeys(
  task: StageTask,
  slice: Session,
  expert: number,
  stack: DisposableStack,
): readonly ReadonlyMap<string, Value>[] {
  using once = new DisposableStack();
  const { dtype, plan, shared, transformer } = task;
  const session = loadGraph(task, expert, task.experts[expert]!.crossKv, 'prompt keys', once);
  return task.prompts.map((text, branch) => {
    const shape = [1, text.shape[1]!, transformer.width];
    const binding = own(once, createBinding(session));
    binding.bindInput('ctx', own(once, hostValue(promptOf(shared, plan, expert, branch), dtype, shape)));
    const values = session.outputs.map((name): [string, Value] => [name, own(stack, deviceValue(slice, dtype, shape))]);
    for (const [name, value] of values) binding.bindOutput(name, value);
    binding.run();
    return new Map(values);
  });
}

/** Rotary tables for the window alone and for the window with the right context behind it; one is the start of the other. */
function positions({ plan, transformer }: StageTask, stack: DisposableStack) {
  const { headWidth } = transformer;
  const half = headWidth / 2;
  const latents = plan.windowLatents + plan.contextLatents;
  const { cos, sin } = rotaryTables(headWidth, latents, plan.latentHeight / 2, plan.latentWidth / 2);
  const table = (latentCount: number) => {
    const tokens = latentCount * plan.tokensPerLatent;
    const value = (data: Float32Array) => own(stack, hostValue(data.subarray(0, tokens * half), 'F32', [tokens, half]));
    return { cos: value(cos), sin: value(sin) };
  };
  return { alone: table(plan.windowLatents), withRight: table(latents) };
}
