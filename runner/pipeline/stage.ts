import { rotaryTables } from '../model/rotary.ts';
import { type Binding, createBinding } from '../ort/binding.ts';
import { own } from '../ort/lifetime.ts';
import type { Session } from '../ort/session.ts';
import { deviceValue, hostValue, type Value } from '../ort/value.ts';
import type { Item } from '../plan/schedule.ts';
import { createFeatureCache } from './feature-cache.ts';
import { promptOf } from './layout.ts';
import { createLeftCache } from './left-cache.ts';
import { lineOf, openLine } from './line.ts';
import { loadGraph } from './load.ts';
import { type Modulation, openModulation } from './modulation.ts';
import { type OpenCopies, openResidence, type Residence } from './residence.ts';
import type { Ring } from './ring.ts';
import type { StageTask } from './stage-task.ts';
import { perWindow } from './window.ts';

/** A slice of the layers on one device, ready to run any item. */
export interface Stage {
  /** Of its device. */
  readonly residence: Residence;
  readonly modulation: Modulation;
  /** Runs the layers of this stage over `input`, both `[1, S, D]`; leaves keys and values for the left neighbour. */
  run(item: Readonly<Item>, input: Value, output: Value): void;
}

/**
 * Loads a stage's slices and ties every kind of item in the schedule to its memory once, so that running an item only
 * exchanges the step's modulation and the two hidden states (and a left context that is used again). Waits for the shared tables
 * before it computes its layers' view of the prompts.
 */
export function openStage(task: StageTask, ring: Ring, stack: DisposableStack, openCopies?: OpenCopies): Stage {
  const { plan, transformer, stage } = task;
  const { firstLayer, endLayer } = plan.stages[stage]!;
  const label = `layers ${firstLayer}–${endLayer - 1}`;
  const sessions = task.experts.map(({ slice }, expert) => {
    ring.throwIfStopped();
    return loadGraph(task, expert, slice, label, stack);
  });
  ring.waitForConditions();
  const branches = branchesAt(task);
  const residence = openResidence(sessions[0]!, stack, openCopies);
  const modulation = openModulation(task, residence);
  const prompts = sessions.map((session, expert) => promptKeys(task, session, expert, branches, stack));
  const cacheShape = {
    firstLayer,
    endLayer,
    contextTokens: plan.contextLatents * plan.tokensPerLatent,
    width: transformer.width,
    branches: branches.length,
    dtype: task.dtype,
  };
  const windowTokens = plan.windowLatents * plan.tokensPerLatent;
  const joins = sessions[0]!.inputs.includes('rightstart');
  const reuses = plan.leftContext === 'reuse';
  const joinedTokens = joins ? windowTokens : null;
  const cache = createFeatureCache(residence, { ...cacheShape, joinedTokens, reusesLeft: reuses });
  const left = reuses ? createLeftCache(sessions[0]!, task.schedule, branches, cacheShape, stack) : null;
  const tablesOf = positions(task, residence, joins);
  const passes = new Map<number, Binding>();

  /** A number for all that the fixed part of a binding depends on. */
  function kindOf({ block, branch, expert, index, sinceRight }: Readonly<Item>): number {
    const isFirst = reuses && block === 0 ? 1 : 0;
    return ((((index % cache.places) * 3 + sinceRight) * 2 + branch) * 2 + expert) * 2 + isFirst;
  }

  function openPass({ block, branch, expert, index, sinceRight }: Readonly<Item>): Binding {
    const binding = own(stack, createBinding(sessions[expert]!));
    for (const [name, value] of tablesOf(block, sinceRight > 0)) binding.bindInput(name, value);
    for (const [name, value] of prompts[expert]!.get(branch)!) binding.bindInput(name, value);
    cache.bind(binding, index % cache.places, sinceRight);
    return binding;
  }

  const cursor = openLine(task.schedule, lineOf(plan, stage));
  while (cursor.next()) {
    const kind = kindOf(cursor.item);
    if (!passes.has(kind)) passes.set(kind, openPass(cursor.item));
  }
  return {
    residence,
    modulation,
    run(item, input, output) {
      const binding = passes.get(kindOf(item))!;
      binding.bindInput('tproj', modulation.layers[item.step]!);
      binding.bindInput('x', input);
      binding.bindOutput('y', output);
      left?.bind(binding, item);
      binding.run();
    },
  };
}

/** The branches whose items a stage computes. */
function branchesAt({ plan, stage }: StageTask): readonly number[] {
  const { branch } = plan.stages[stage]!;
  return branch === null ? Array.from({ length: plan.branches }, (_, index) => index) : [branch];
}

/** Cross-attention's keys and values of the given branches, by their names in the slice; they depend on the prompt only. */
function promptKeys(
  task: StageTask,
  slice: Session,
  expert: number,
  branches: readonly number[],
  stack: DisposableStack,
): ReadonlyMap<number, ReadonlyMap<string, Value>> {
  using once = new DisposableStack();
  const { dtype, plan, shared, transformer } = task;
  const session = loadGraph(task, expert, task.experts[expert]!.crossKv, 'prompt keys', once);
  const keysOf = (branch: number): ReadonlyMap<string, Value> => {
    const shape = [1, task.prompts[branch]!.shape[1]!, transformer.width];
    const binding = own(once, createBinding(session));
    binding.bindInput('ctx', own(once, hostValue(promptOf(shared, plan, expert, branch), dtype, shape)));
    const values = session.outputs.map((name): [string, Value] => [name, own(stack, deviceValue(slice, dtype, shape))]);
    for (const [name, value] of values) binding.bindOutput(name, value);
    binding.runAndShrink();
    return new Map(values);
  };
  return new Map(branches.map((branch) => [branch, keysOf(branch)]));
}

/**
 * Rotary tables by their names in the slice. Positions are counted from the start of the left context, whether it is part of the
 * window or comes as keys and values; then the window's own, then the right context's. A shorter row of positions is the
 * start of a longer one. Layers that join keys in given memory turn their queries by the same tables, from where they are told on.
 */
function positions({ plan, transformer }: StageTask, { put, part }: Residence, joins: boolean) {
  const { headWidth } = transformer;
  const half = headWidth / 2;
  const reuses = plan.leftContext === 'reuse';
  const latents = plan.windowLatents + plan.contextLatents;
  const tables = rotaryTables(headWidth, latents, plan.latentHeight / 2, plan.latentWidth / 2);
  const whole = (data: Float32Array) => put(data, 'F32', [data.length / half, half]);
  const [cos, sin] = [whole(tables.cos), whole(tables.sin)];
  const table = (prefix: string, start: number, end: number): (readonly [string, Value])[] => {
    const [from, to] = [start, end].map((latent) => latent * plan.tokensPerLatent) as [number, number];
    const value = (all: Value) => part(all, 'F32', [to - from, half], from * half * Float32Array.BYTES_PER_ELEMENT);
    return [
      [`${prefix}cos`, value(cos)],
      [`${prefix}sin`, value(sin)],
    ];
  };
  const keys = { alone: table('', 0, plan.windowLatents), withRight: table('', 0, latents) };
  const queries = perWindow(plan, (window): readonly (readonly [string, Value])[] => {
    const start = plan.windowLatents - window;
    if (!reuses) return [];
    if (!joins) return table('query', start, plan.windowLatents);
    return [['ownstart', put(BigInt64Array.of(BigInt(start * plan.tokensPerLatent)), 'I64', [1])]];
  });
  return (block: number, hasRight: boolean) => [...(hasRight ? keys.withRight : keys.alone), ...queries(block)];
}
