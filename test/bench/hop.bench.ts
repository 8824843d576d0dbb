import { Worker } from 'node:worker_threads';
import type { Device } from '../../runner/ort/device.ts';
import { CELLS } from '../../runner/pipeline/layout.ts';
import { slotPlacesBytes } from '../../runner/pipeline/places.ts';
import { raise } from '../../runner/pipeline/ring.ts';
import { allDevices, layoutsOf } from '../gpu/devices.ts';
import { modelInput, tinyModel } from '../same-bits/inputs.ts';
import { type Bench, type BenchRequest, type BenchRow, medianOf } from './bench.ts';
import type { HopMoments, HoppingStage } from './programs/hop-stage.ts';
import { reportsOf } from './threads.ts';

const MEGABYTES = [4, 16, 64];
const HOPS = 128;
/** Not counted: memory that nobody has touched yet, and code that nobody has run. */
const WARM_UP = 3;
const MOST = 1.15;

/** Milliseconds from one moment to another, of every hop that counts. */
function between(from: readonly bigint[], to: readonly bigint[]): readonly number[] {
  return to.map((moment, hop) => Number(moment - from[hop]!) / 1e6).slice(WARM_UP);
}

/** Two threads of the pipeline's kind, and what they have seen. */
async function hopsBetween(devices: readonly [Device, Device], megabytes: number): Promise<readonly HopMoments[]> {
  const { plan } = modelInput(tinyModel(), { stages: 2, steps: 1, frames: 61, blockLatents: 4, contextLatents: 2 });
  const bytes = megabytes * 2 ** 20;
  const control = new SharedArrayBuffer(CELLS.done(2) * Int32Array.BYTES_PER_ELEMENT);
  const size = devices[0].kind === 'cpu' ? plan.ringSlots * bytes : slotPlacesBytes(plan);
  const memory = new SharedArrayBuffer(size);
  const hops = WARM_UP + HOPS;
  const threads = ([0, 1] as const).map((stage) => {
    const task: HoppingStage = { stage, device: devices[stage], plan, control, memory, bytes, hops };
    return new Worker(new URL('./programs/hop-stage.ts', import.meta.url), { workerData: task });
  });
  return reportsOf<HopMoments>(threads, () => raise(new Int32Array(control), CELLS.conditions));
}

/** Of waking a thread, what nobody else on the machine disturbed: with few cores a middle time tells how many programs there are. */
const leastOf = (milliseconds: readonly number[]) => Math.min(...milliseconds);

function row(measure: string, ours: number, peer: string, theirs: number): BenchRow {
  return { measure, unit: 'ms', ours, peer, theirs, better: 'lower' };
}

function held(one: BenchRow): BenchRow {
  return { ...one, holds: one.ours <= MOST * one.theirs, threshold: `at most ${MOST} × it` };
}

async function rowsOf(devices: readonly [Device, Device], megabytes: number): Promise<readonly BenchRow[]> {
  const [first, second] = (await hopsBetween(devices, megabytes)) as [HopMoments, HopMoments];
  const copy = medianOf([...first.copies, ...second.copies].slice(WARM_UP));
  const handedOn = leastOf(between(first.written, second.arrived));
  const what = `${megabytes} MB of hidden states`;
  if (devices[0].kind === 'cuda') {
    const peer = 'CUDA’s own copy of the same slot to the same device';
    const way = `${what} from ${devices[0].name} to ${devices[1].name}`;
    const fetched = medianOf(between(second.known, second.arrived));
    return [
      held(row(`${way}, fetched`, fetched, peer, copy)),
      row(`${way}, handed on and fetched`, handedOn, peer, copy),
    ];
  }
  const whole = medianOf(first.writes.slice(WARM_UP)) + handedOn;
  return [
    held(row(`${what}, written where the next stage reads them and handed on`, whole, 'memcpy', copy)),
    held(row(`${what}, handed on alone`, handedOn, 'memcpy', copy)),
  ];
}

/** Within a device, and between two where there are. */
function pairsOf({ device }: BenchRequest): readonly (readonly [Device, Device])[] {
  return layoutsOf(allDevices(device), 2).map(({ devices }) => devices as [Device, Device]);
}

export const bench: Bench = {
  title:
    'hidden states from stage to stage, by the pipeline’s own slots and ring, against a plain copy between the hops',
  devices: ['cpu', 'cuda'],
  async *run(request) {
    for (const pair of pairsOf(request)) for (const megabytes of MEGABYTES) yield await rowsOf(pair, megabytes);
  },
};
