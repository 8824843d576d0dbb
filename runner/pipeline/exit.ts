import { createBinding } from '../ort/binding.ts';
import { own } from '../ort/lifetime.ts';
import type { Value } from '../ort/value.ts';
import type { Item } from '../plan/schedule.ts';
import { hostStates, openCutter } from './cut.ts';
import { openDeviceUpdate } from './device-update.ts';
import { openIncoming, openOutgoing, type Slots } from './hop.ts';
import { latentElements } from './layout.ts';
import { lineOf, linesOf } from './line.ts';
import { loadGraph } from './load.ts';
import { velocitiesBefore } from './resume.ts';
import type { Ring } from './ring.ts';
import type { Stage } from './stage.ts';
import type { StageTask } from './stage-task.ts';
import { openUpdate, type Update } from './update.ts';
import { perWindow } from './window.ts';

/** The end of a line: hidden states become velocities, and those the next sample of their block. */
export interface Exit {
  /** Where the last stage leaves the hidden states `[1, S, D]` of a block's window. */
  hiddenOf(block: number): Value;
  /**
   * The velocity of the item's branch. The last branch is followed by guidance and the sampler's step; on a line of branch 1
   * alone, the velocity is handed to the stage that makes them.
   */
  leave(item: Readonly<Item>): void;
}

/**
 * Loads the head. On the CPU block states are shared memory: what is written there is what the first stage reads when the block comes
 * again. On CUDA they stay on this device, where the first stage fetches them.
 */
export function openExit(task: StageTask, ring: Ring, layers: Stage, stack: DisposableStack): Exit {
  const { plan, stage, shared } = task;
  const { residence, modulation } = layers;
  const { branch: onlyBranch } = lineOf(plan, stage);
  const windowOf = perWindow(plan, (latents) => openWindow(task, latents, layers, stack));
  const branch1Last = linesOf(plan)[1]?.last;
  const update = onlyBranch === 1 ? null : openUpdateFor(task, ring, layers, stack);
  const shapeOf = (latents: number) => velocityShape(task, latents);
  const openSlots = onlyBranch === 1 ? openOutgoing : openIncoming;
  const slots: Slots | null =
    shared.velocities === null ? null : openSlots(task, shared.velocities, 'F32', shapeOf, residence);
  let used = velocitiesBefore(task);

  function runHead({ block, expert, step }: Readonly<Item>, velocity: Value): void {
    const { hidden, heads } = windowOf(block);
    const binding = heads[expert]!;
    binding.bindInput('x', hidden);
    binding.bindInput('temb', modulation.head[step]!);
    binding.bindOutput('velocity', velocity);
    binding.run();
  }

  /** All branches end here, one after the other. */
  function leaveWhole(item: Readonly<Item>): void {
    const { velocities } = windowOf(item.block);
    runHead(item, velocities[item.branch]!);
    if (item.branch < item.branches - 1) return;
    update!(item, velocities[0]!, item.branches > 1 ? velocities[1]! : null);
  }

  /** Branch 0 ends here; branch 1 arrives from the last stage of the other line. */
  function leaveUpdating(item: Readonly<Item>): void {
    const { velocities } = windowOf(item.block);
    runHead(item, velocities[0]!);
    if (item.branches > 1) {
      ring.waitForVelocities(branch1Last!, used + 1);
      update!(item, velocities[0]!, slots!.of(item.block, used));
      used++;
      ring.velocityUsed();
    } else {
      update!(item, velocities[0]!, null);
    }
  }

  function leaveHanding(item: Readonly<Item>): void {
    ring.waitForVelocitySlot(item.index);
    runHead(item, slots!.of(item.block, item.index));
  }

  const leaveOne = onlyBranch === 0 ? leaveUpdating : leaveHanding;
  return { hiddenOf: (block) => windowOf(block).hidden, leave: onlyBranch === null ? leaveWhole : leaveOne };
}

/** Guidance and the sampler's step; then, if a cut is asked for, a copy of the block's state. */
function openUpdateFor(task: StageTask, ring: Ring, { residence }: Stage, stack: DisposableStack): Update {
  const { copies } = residence;
  const host = () => ({ update: openUpdate(task, residence), copyState: hostStates(task) });
  const { update, copyState } = copies === null ? host() : openDeviceUpdate(task, residence, copies, stack);
  const cutter = openCutter(task, ring, copyState);
  if (cutter === null) return update;
  return (item, conditional, unconditional) => {
    cutter.before();
    update(item, conditional, unconditional);
    cutter.after(item);
  };
}

function velocityShape({ plan }: StageTask, latents: number): readonly number[] {
  return [1, plan.latentChannels, latents, plan.latentHeight, plan.latentWidth];
}

/** Heads of all experts for a window of `latents` latents, and where their inputs and outputs lie. */
function openWindow(task: StageTask, latents: number, { residence }: Stage, stack: DisposableStack) {
  const { dtype, plan, transformer } = task;
  const { copies, put, room } = residence;
  const shape = velocityShape(task, latents);
  const sessions = task.experts.map(({ heads }, expert) =>
    loadGraph(task, expert, heads!.get(latents)!, 'the head', stack),
  );
  const velocity = () =>
    copies === null ? put(new Float32Array(latents * latentElements(plan)), 'F32', shape) : room('F32', shape);
  const tokens = latents * plan.tokensPerLatent;
  return {
    heads: sessions.map((session) => own(stack, createBinding(session))),
    hidden: room(dtype, [1, tokens, transformer.width]),
    velocities: Array.from({ length: plan.branches }, velocity),
  };
}
