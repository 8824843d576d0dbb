/**
 * One of two stages between which hidden states hop, by the pipeline's own slots and ring, and a plain copy of the same bytes between the
 * hops. On the CPU the first stage makes the copy (it is the one that writes), on CUDA the second one (it is the one that fetches).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { graphBuilder } from '../../../runner/model/graph.ts';
import type { Device } from '../../../runner/ort/device.ts';
import { own } from '../../../runner/ort/lifetime.ts';
import { type NativeArgument, openNative } from '../../../runner/ort/native-library.ts';
import { createSession } from '../../../runner/ort/session.ts';
import type { Value } from '../../../runner/ort/value.ts';
import { openIncoming, openOutgoing } from '../../../runner/pipeline/hop.ts';
import type { SlotMemory } from '../../../runner/pipeline/layout.ts';
import { wholeLine } from '../../../runner/pipeline/line.ts';
import { slotPlaces } from '../../../runner/pipeline/places.ts';
import { openResidence } from '../../../runner/pipeline/residence.ts';
import { joinRing } from '../../../runner/pipeline/ring.ts';
import type { Plan } from '../../../runner/plan/plan.ts';

/** What a stage's thread is started with. */
export interface HoppingStage {
  readonly stage: 0 | 1;
  readonly device: Device;
  readonly plan: Plan;
  readonly control: SharedArrayBuffer;
  readonly memory: SlotMemory;
  readonly bytes: number;
  readonly hops: number;
}

/** Per hop, moments in nanoseconds of the clock that all threads share, and milliseconds that copies took. */
export interface HopMoments {
  /** Milliseconds of writing the states to their slot, and the moment after (the first stage's). */
  readonly writes: readonly number[];
  readonly written: readonly bigint[];
  /** When the next stage knows of them, and when it has them as its graph's input (the second one's). */
  readonly known: readonly bigint[];
  readonly arrived: readonly bigint[];
  /** Milliseconds of the plain copies. */
  readonly copies: readonly number[];
}

const REST_MILLISECONDS = 2;
/** CLOCK_THREAD_CPUTIME_ID. */
const THREAD_CLOCK = 3;
const asleep = new Int32Array(new SharedArrayBuffer(4));
const { stage, device, plan, control, memory, bytes, hops } = workerData as HoppingStage;
const now = process.hrtime.bigint;
const shape = [1, bytes / Float32Array.BYTES_PER_ELEMENT];
const shapeOf = () => shape;

/** A graph, for a session whose memory the slots are in. */
function anyGraph(): Uint8Array {
  const g = graphBuilder('nothing', new Map());
  g.output('y', g.node('Identity', [g.input('x', 'F32', [1])], { dtype: 'F32', shape: [1] }));
  return g.finish().bytes;
}

function native(file: string) {
  const library = openNative(file);
  if ('problem' in library) throw new Error(library.problem);
  return library;
}

/** One copy by the C library, or by CUDA's own, of which the host waits for the end. */
function plainCopy(): (to: Value, from: NativeArgument, fromDevice: number) => void {
  if (device.kind === 'cpu') {
    const copy = native('libc.so.6').bind('memcpy', 'ppz');
    return (to, from) => void copy(to.address, from, bytes);
  }
  const library = native('libcudart.so.13');
  const copy = library.bind('cudaMemcpyPeerAsync', 'pipizp');
  const wait = library.bind('cudaDeviceSynchronize', '');
  return (to, from, fromDevice) => {
    const codes = [copy(to.address, device.index, from, fromDevice, bytes, null), wait()];
    if (codes.some((code) => code !== 0)) throw new Error(`a plain copy failed with CUDA's ${codes.join(' and ')}`);
  };
}

const stack = new DisposableStack();
const session = own(stack, createSession(anyGraph(), { device, intraOpThreads: 1 }));
const residence = openResidence(session, stack);
const ring = joinRing(control, stage, wholeLine(2), plan.ringSlots);
const none = (): bigint[] => [];
const moments = { writes: [] as number[], written: none(), known: none(), arrived: none(), copies: [] as number[] };
const copy = plainCopy();
const time = device.kind === 'cpu' ? ownTime() : now;
/** As many places as the slots, so that neither side finds its memory warmer. */
const others = Array.from({ length: plan.ringSlots }, () => residence.room('F32', shape));

/** Nanoseconds that this thread has computed, exactly: Node's own count grows by the kernel's ticks. */
function ownTime(): () => bigint {
  const clock = native('libc.so.6').bind('clock_gettime', 'ip');
  const time = new BigInt64Array(2);
  return () => {
    clock(THREAD_CLOCK, time);
    return time[0]! * 1_000_000_000n + time[1]!;
  };
}

/** Milliseconds that `run` takes: of this thread's own time on the CPU, so that other programs' does not count; by the clock on CUDA. */
function taken(run: () => void): number {
  const started = time();
  run();
  return Number(time() - started) / 1e6;
}

function copied(index: number, from: NativeArgument, fromDevice: number): void {
  moments.copies.push(taken(() => copy(others[index % plan.ringSlots]!, from, fromDevice)));
}

function first(): void {
  const source = residence.put(new Float32Array(shape[1]!).fill(1), 'F32', shape);
  const slots = openOutgoing({ plan, device }, memory, 'F32', shapeOf, residence);
  const hop = (index: number) => {
    const slot = slots.of(0, index);
    // On CUDA the layers' kernels have written it, which is no part of a hop; on the CPU nothing is left of one but that.
    if (device.kind === 'cpu') moments.writes.push(taken(() => copy(slot, source.address, 0)));
    moments.written.push(now());
    ring.done();
  };
  const plain = (index: number) => {
    if (device.kind === 'cpu') copied(index, source.address, 0);
  };
  for (let index = 0; index < hops; index++) {
    for (const turn of index % 2 === 0 ? [plain, hop] : [hop, plain]) {
      // Each begins with a core that it has just been given, on a machine that others use too.
      Atomics.wait(asleep, 0, 0, REST_MILLISECONDS);
      turn(index);
      // What comes next shall not meet a hop under way.
      if (turn === hop) ring.waitForItem(index + plan.ringSlots);
    }
  }
}

function second(): void {
  const slots = openIncoming({ plan, device }, memory, 'F32', shapeOf, residence);
  const places = device.kind === 'cuda' ? slotPlaces(memory) : null;
  for (let index = 0; index < hops; index++) {
    ring.waitForItem(index);
    moments.known.push(now());
    slots.of(0, index);
    moments.arrived.push(now());
    if (places !== null) copied(index, places.addresses[index % plan.ringSlots]!, places.device[0]!);
    ring.done();
  }
}

parentPort?.postMessage('ready');
ring.waitForConditions();
if (stage === 0) first();
else second();
ring.leaveTogether();
stack.dispose();
parentPort?.postMessage(moments satisfies HopMoments);
