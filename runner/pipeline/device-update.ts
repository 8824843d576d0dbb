import { BLOCK_STATE_ARRAYS } from '../diffusion/block-state.ts';
import { createSampler } from '../diffusion/sampler.ts';
import { updateGraph } from '../model/update.ts';
import { addressOf } from '../ort/api.ts';
import { type Binding, createBinding } from '../ort/binding.ts';
import type { CudaCopies } from '../ort/cuda-copies.ts';
import { own } from '../ort/lifetime.ts';
import { createSession } from '../ort/session.ts';
import type { Value } from '../ort/value.ts';
import { bytesPerElement } from '../tensor.ts';
import type { CopyState } from './cut.ts';
import { blockStates, ownLatents, placesOf, traceOf } from './layout.ts';
import { notFinite } from './not-finite.ts';
import { statePlaces } from './places.ts';
import type { Residence } from './residence.ts';
import { restoredBlocks } from './resume.ts';
import type { StageTask } from './stage-task.ts';
import type { Update } from './update.ts';
import { windowOf } from './window.ts';

/**
 * A block's state on the device. A step reads some of these and writes others: the sample and the last one change sides, and the new
 * estimate takes the place of the oldest, so that nothing is written while it is read and none is copied.
 */
interface DeviceState {
  readonly x: readonly Value[];
  readonly last: readonly Value[];
  readonly estimates: readonly Value[];
}

/**
 * Updates on CUDA, where the states of blocks live on this device; the first stage fetches samples from it. The host gives each block its
 * noise and gets its clean sample, and per step one number that tells whether all others are finite.
 */
export function openDeviceUpdate(
  task: StageTask,
  residence: Residence,
  copies: CudaCopies,
  stack: DisposableStack,
): { readonly update: Update; readonly copyState: CopyState } {
  const { plan, shared, device } = task;
  const { steps } = plan.sampling;
  const hostOf = blockStates(shared, plan);
  const places = statePlaces(shared.statePlaces!);
  const stateOf = openStates(task, residence);
  const forms = stepForms(task, residence);
  const doubt = residence.room('F32', [1, 1, 1, 1, 1]);
  const doubtful = new Float32Array(1);
  const bindings = new Map<string, Binding>();
  places.device[0] = device.index;

  /** A graph for each size of window and own part, guided or not: at most four. */
  const keyOf = (block: number, guided: boolean) => `${windowOf(plan, block)} ${ownLatents(plan, block)} ${guided}`;
  for (const block of [0, 1]) {
    for (const guided of new Set(task.schedule.branchesOfStep!.map((branches) => branches > 1))) {
      const shape = { ...plan, windowLatents: windowOf(plan, block), ownLatents: ownLatents(plan, block), guided };
      const session = own(stack, createSession(updateGraph(shape).bytes, { device, label: "the sampler's step" }));
      const binding = own(stack, createBinding(session));
      binding.bindOutput('doubt', doubt);
      bindings.set(keyOf(block, guided), binding);
    }
  }

  function start(block: number): void {
    const { x, last, estimates } = stateOf(block);
    const noise = hostOf(block).x;
    copies.copy(addressOf(noise), x[0]!.address, noise.byteLength);
    for (const { address } of [...last, ...estimates]) copies.clear(address, noise.byteLength);
  }

  function fetch(sample: Value, to: Float32Array): void {
    copies.copy(sample.address, addressOf(to), to.byteLength);
  }

  const update: Update = ({ block, step, ordinal }, conditional, unconditional) => {
    if (step === 0) start(block);
    const { x, last, estimates } = stateOf(block);
    const binding = bindings.get(keyOf(block, unconditional !== null))!;
    const [now, next] = [step % 2, (step + 1) % 2];
    binding.bindInput('form', forms[step]!);
    binding.bindInput('conditional', conditional);
    if (unconditional !== null) binding.bindInput('unconditional', unconditional);
    binding.bindInput('x', x[now]!);
    binding.bindInput('last', last[now]!);
    binding.bindInput('estimate1', estimates[(step + 2) % 3]!);
    binding.bindInput('estimate2', estimates[(step + 1) % 3]!);
    binding.bindOutput('nextx', x[next]!);
    binding.bindOutput('nextlast', last[next]!);
    binding.bindOutput('estimate', estimates[step % 3]!);
    binding.run();
    fetch(doubt, doubtful);
    if (doubtful[0] !== 0) throw notFinite(task, block, step, residence);
    const trace = traceOf(shared, plan, ordinal, block);
    if (trace !== null) fetch(x[next]!, trace);
    if (step === steps - 1) fetch(x[next]!, hostOf(block).x);
    Atomics.store(places.steps, block % placesOf(plan), step + 1);
  };

  /** A block's state once it has made so many steps, in the order of its arrays on the host. */
  function arraysAfter(block: number, steps: number): readonly Value[] {
    const { x, last, estimates } = stateOf(block);
    return [x[steps % 2]!, last[steps % 2]!, estimates[(steps + 2) % 3]!, estimates[(steps + 1) % 3]!];
  }

  for (const { block, step } of restoredBlocks(task)) {
    const { x, last, estimate1, estimate2 } = hostOf(block);
    const arrays = arraysAfter(block, step);
    for (const [index, array] of [x, last, estimate1, estimate2].entries()) {
      copies.copy(addressOf(array), arrays[index]!.address, array.byteLength);
    }
    Atomics.store(places.steps, block % placesOf(plan), step);
  }

  return {
    update,
    copyState(block, steps, to) {
      const elements = to.length / BLOCK_STATE_ARRAYS;
      for (const [index, array] of arraysAfter(block, steps).entries()) {
        fetch(array, to.subarray(index * elements, (index + 1) * elements));
      }
    },
  };
}

/** Memory for the states of all places, whose samples' addresses are told to the first stage. */
function openStates({ plan, shared }: StageTask, { room, part }: Residence): (block: number) => DeviceState {
  const { addresses } = statePlaces(shared.statePlaces!);
  const shapeOf = (latents: number) => [1, plan.latentChannels, latents, plan.latentHeight, plan.latentWidth];
  const longest = (place: number) => (place === 0 ? plan.windowLatents : plan.blockLatents);
  const places = Array.from({ length: placesOf(plan) }, (_, place) => {
    const some = (count: number) => Array.from({ length: count }, () => room('F32', shapeOf(longest(place))));
    const whole = { x: some(2), last: some(2), estimates: some(3) };
    for (const [side, { address }] of whole.x.entries()) addresses[2 * place + side] = address;
    const shorter = (values: readonly Value[]) => values.map((value) => part(value, 'F32', shapeOf(plan.blockLatents)));
    const later = { x: shorter(whole.x), last: shorter(whole.last), estimates: shorter(whole.estimates) };
    return { whole, later };
  });
  return (block) => (block === 0 ? places[0]!.whole : places[block % places.length]!.later);
}

/** The numbers of every step `[10]`, with the guidance scale of the expert that makes it. */
function stepForms({ plan, schedule }: StageTask, { put, part }: Residence): readonly Value[] {
  const { sampling } = plan;
  const { formOf } = createSampler(sampling);
  const rows = schedule.expertOfStep.map((expert, step) => [...formOf(step), sampling.guidanceScales[expert]!]);
  const width = rows[0]!.length;
  const table = put(Float32Array.from(rows.flat()), 'F32', [rows.length, width]);
  return rows.map((_, step) => part(table, 'F32', [width], step * width * bytesPerElement('F32')));
}
