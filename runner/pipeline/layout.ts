/**
 * Purpose of this folder: the pipeline itself. One thread per stage follows the static schedule; blocks, hidden states and
 * counters lie in shared memory, and nothing is sent as a message while items flow.
 *
 * This file: where everything lies in that memory.
 */
import { BLOCK_STATE_ARRAYS, type BlockState, blockStateOver } from '../diffusion/block-state.ts';
import type { Plan } from '../plan/plan.ts';
import { blocksInFlight } from '../plan/schedule.ts';
import { bytesPerElement, type FloatType } from '../tensor.ts';
import { linesOf } from './line.ts';
import { slotPlacesBytes, statePlacesBytes } from './places.ts';

/**
 * Slots between two stages ({@link slotsIn}), end to end. On CUDA they lie on the producer's device, and here only where
 * (places.ts).
 */
export type SlotMemory = SharedArrayBuffer;

/** The memory that all threads of a run share. */
export interface SharedMemory {
  /** Int32 cells; see {@link CELLS}. */
  readonly control: SharedArrayBuffer;
  /** Behind each stage: `ringSlots` hidden states `[1, S, D]` in the compute type, end to end; null behind the last of a line. */
  readonly rings: readonly (SlotMemory | null)[];
  /** Float32, `ringSlots` velocities `[1, C, F, h, w]` of branch 1 on their way to the stage that updates; null on a single line. */
  readonly velocities: SlotMemory | null;
  /** States of the blocks in flight; see {@link blockStates}. On CUDA only what comes and goes: a block's noise, and its clean sample. */
  readonly states: SharedArrayBuffer;
  /** Where the states lie on CUDA, see places.ts; null on the CPU. */
  readonly statePlaces: SharedArrayBuffer | null;
  /** Room for one copy of the states in flight; see {@link cutStates}. Null where no cut will be asked for. */
  readonly cut: SharedArrayBuffer | null;
  /** Float32 `[T, 7, D]`: per step the head's row, then the six of the layers. */
  readonly modulation: SharedArrayBuffer;
  /** `[experts, branches, L, D]` in the compute type: the prompts as cross-attention sees them. */
  readonly prompts: SharedArrayBuffer;
  /** Float32, `windowLatents` latents per block-step, in schedule order: each block's sample after each of its steps. Null unless asked for. */
  readonly trace: SharedArrayBuffer | null;
}

/** Int32 cells per cache line: no two threads write to the same line. */
const LINE = 16;

/** Cells of the control memory, a cache line each. All counters only grow. */
export const CELLS = {
  /** 1 once the run is to stop. */
  stop: 0,
  /** 1 once modulation and prompts are filled. */
  conditions: LINE,
  /** Finished blocks that the main thread has copied out: their places may be used again. */
  taken: 2 * LINE,
  /** Blocks that have their first noise: branch 1's line waits for it. */
  started: 3 * LINE,
  /** Velocities of branch 1 that the updating stage has used: their slots may be filled again. */
  velocitiesUsed: 4 * LINE,
  /** Stages that touch nobody's memory any more. */
  left: 5 * LINE,
  /** Cuts that the main thread has asked for (cut.ts). */
  cutsAsked: 6 * LINE,
  /** 1 once the next cut is to be the last one, at the end of the iteration that is under way. */
  lastCutAsked: 6 * LINE + 1,
  /** 1 once the states that the run goes on with are where they belong. */
  restored: 6 * LINE + 2,
  /** Cuts that are made, and the iteration after which the latest one was. */
  cutsMade: 7 * LINE,
  cutIteration: 7 * LINE + 1,
  /** 1 once the last one is made: the run stands still. */
  lastCutMade: 7 * LINE + 2,
  /** Items that a stage has finished. */
  done: (stage: number) => (8 + 2 * stage) * LINE,
  /** Block that a stage computes right now, plus 1; 0 while it waits. */
  working: (stage: number) => (9 + 2 * stage) * LINE,
} as const;

const FLOAT32_BYTES = 4;
/** Rows of the modulation table per step: one for the head, six for the layers. */
const MODULATION_ROWS = 7;
/** Finished blocks that may wait for the main thread before the pipeline waits for it. */
const BLOCKS_AHEAD = 2;

/** What the sizes depend on besides the plan. */
export interface MemoryShape {
  readonly width: number;
  readonly textTokens: number;
  readonly dtype: FloatType;
  readonly trace: boolean;
  /** Cuts will be asked for. */
  readonly cuts?: boolean;
  /** Kind of the stages' devices. */
  readonly device: 'cpu' | 'cuda';
}

/** Zero-filled memory for a run. */
export function createSharedMemory(plan: Plan, shape: MemoryShape): SharedMemory {
  const { width, textTokens, dtype, trace, cuts = false, device } = shape;
  const stages = plan.stages.length;
  const hiddenBytes = plan.windowLatents * plan.tokensPerLatent * width * bytesPerElement(dtype);
  const perLatent = latentElements(plan) * FLOAT32_BYTES;
  const lines = linesOf(plan);
  const slots = (bytes: number): SlotMemory =>
    new SharedArrayBuffer(device === 'cpu' ? plan.ringSlots * bytes : slotPlacesBytes(plan));
  const ringBehind = (stage: number) => (lines.some(({ last }) => last === stage) ? null : slots(hiddenBytes));
  const stateLatents = plan.windowLatents + (placesOf(plan) - 1) * plan.blockLatents;
  return {
    control: new SharedArrayBuffer(CELLS.done(stages) * Int32Array.BYTES_PER_ELEMENT),
    rings: Array.from({ length: stages }, (_, stage) => ringBehind(stage)),
    velocities: lines.length > 1 ? slots(plan.windowLatents * perLatent) : null,
    states: new SharedArrayBuffer(stateLatents * perLatent * BLOCK_STATE_ARRAYS),
    statePlaces: device === 'cpu' ? null : new SharedArrayBuffer(statePlacesBytes(placesOf(plan))),
    cut: cuts ? new SharedArrayBuffer(cutBytes(plan)) : null,
    modulation: new SharedArrayBuffer(plan.sampling.steps * MODULATION_ROWS * width * FLOAT32_BYTES),
    prompts: new SharedArrayBuffer(plan.experts * plan.branches * textTokens * width * bytesPerElement(dtype)),
    trace: trace ? new SharedArrayBuffer(plan.blockSteps * plan.windowLatents * perLatent) : null,
  };
}

/** The slots of shared memory, as bytes. */
export function slotsIn(memory: SlotMemory, { ringSlots }: Plan): readonly Uint8Array[] {
  const bytes = memory.byteLength / ringSlots;
  return Array.from({ length: ringSlots }, (_, slot) => new Uint8Array(memory, slot * bytes, bytes));
}

/** Where the rows of the modulation table for one step begin, in bytes. */
export function modulationAt(width: number, step: number) {
  const head = step * MODULATION_ROWS * width * FLOAT32_BYTES;
  return { head, layers: head + width * FLOAT32_BYTES };
}

/** Rows of the modulation table for one step: `head [D]` and `layers [6 · D]`. */
export function modulationOf(memory: SharedMemory, width: number, step: number) {
  const { head, layers } = modulationAt(width, step);
  return {
    head: new Float32Array(memory.modulation, head, width),
    layers: new Float32Array(memory.modulation, layers, 6 * width),
  };
}

/** The prompt of a branch for an expert, as bytes. */
export function promptOf(memory: SharedMemory, plan: Plan, expert: number, branch: number): Uint8Array {
  const bytes = memory.prompts.byteLength / (plan.experts * plan.branches);
  return new Uint8Array(memory.prompts, (expert * plan.branches + branch) * bytes, bytes);
}

/** A block's sample after a step, if the run keeps them. `ordinal` counts block-steps in schedule order. */
export function traceOf(memory: SharedMemory, plan: Plan, ordinal: number, block: number): Float32Array | null {
  if (memory.trace === null) return null;
  const start = ordinal * plan.windowLatents * latentElements(plan) * FLOAT32_BYTES;
  return new Float32Array(memory.trace, start, ownLatents(plan, block) * latentElements(plan));
}

/** Places for block states: the blocks in flight, their finished neighbours, and finished blocks that wait to be taken. */
export function placesOf(plan: Plan): number {
  const { blocks, sampling, stride } = plan;
  return Math.min(blocks, blocksInFlight({ blocks, steps: sampling.steps, stride }) + 2 + BLOCKS_AHEAD);
}

/** The states of all places as views. Block b lives in place b mod places; only block 0 is longer, so place 0 is. */
export function blockStates(memory: SharedMemory, plan: Plan): (block: number) => BlockState {
  const places = placesOf(plan);
  const perLatent = latentElements(plan);
  const first = plan.windowLatents * perLatent;
  const later = plan.blockLatents * perLatent;
  const offset = (place: number) =>
    (place === 0 ? 0 : first + (place - 1) * later) * BLOCK_STATE_ARRAYS * FLOAT32_BYTES;
  const firstState = blockStateOver(memory.states, 0, first);
  const states = Array.from({ length: places }, (_, place) => blockStateOver(memory.states, offset(place), later));
  return (block) => (block === 0 ? firstState : states[block % places]!);
}

/** A block's state as one: its arrays, end to end. */
export function wholeState({ x }: BlockState): Float32Array {
  return new Float32Array(x.buffer, x.byteOffset, x.length * BLOCK_STATE_ARRAYS);
}

/** Most blocks whose states a cut holds. */
function cutPlaces({ blocks, sampling, stride }: Plan): number {
  return blocksInFlight({ blocks, steps: sampling.steps, stride });
}

/** Bytes of one copy of the states in flight. */
export function cutBytes(plan: Plan): number {
  const latents = plan.windowLatents + (cutPlaces(plan) - 1) * plan.blockLatents;
  return latents * latentElements(plan) * FLOAT32_BYTES * BLOCK_STATE_ARRAYS;
}

/** Where a cut holds a block's state: its arrays, end to end. */
export function cutStates(memory: SharedArrayBuffer, plan: Plan): (block: number) => Float32Array {
  const places = cutPlaces(plan);
  const perLatent = latentElements(plan) * BLOCK_STATE_ARRAYS;
  const first = plan.windowLatents * perLatent;
  const later = plan.blockLatents * perLatent;
  const offset = (place: number) => (place === 0 ? 0 : first + (place - 1) * later) * FLOAT32_BYTES;
  const firstState = new Float32Array(memory, 0, first);
  const states = Array.from({ length: places }, (_, place) => new Float32Array(memory, offset(place), later));
  return (block) => (block === 0 ? firstState : states[block % places]!);
}

/** Latents of a block itself. */
export function ownLatents(plan: Plan, block: number): number {
  return block === 0 ? plan.windowLatents : plan.blockLatents;
}

/** Numbers of one latent frame. */
export function latentElements({ latentChannels, latentHeight, latentWidth }: Plan): number {
  return latentChannels * latentHeight * latentWidth;
}
