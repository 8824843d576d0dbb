import type { Graph } from '../../runner/model/graph.ts';
import { type Binding, createBinding } from '../../runner/ort/binding.ts';
import type { Device } from '../../runner/ort/device.ts';
import { readDriver } from '../../runner/ort/driver.ts';
import { type DriverReading, type Gpu, joinGpus } from '../../runner/ort/gpu.ts';
import { readNvml } from '../../runner/ort/nvml.ts';
import { createSession, type Session } from '../../runner/ort/session.ts';
import { deviceValue, hostValue, type Value } from '../../runner/ort/value.ts';
import { bytesPerElement, type DType, elementCount, type FloatType } from '../../runner/tensor.ts';
import { pooled, toType } from './random-numbers.ts';

/** Types that a device has arithmetic for. */
export function typesOn(kind: Device['kind']): readonly FloatType[] {
  return kind === 'cpu' ? ['F32', 'F16'] : ['F32', 'F16', 'BF16'];
}

/** How far numbers are from a reference: largest error, that of the largest number, and of the whole by its length. */
export function errors(found: ArrayLike<number>, wanted: ArrayLike<number>) {
  // Too few numbers or too many are as far away as can be.
  const isWhole = found.length === wanted.length;
  let largest = isWhole ? 0 : Number.POSITIVE_INFINITY;
  let top = 0;
  let difference = 0;
  let length = 0;
  for (let at = 0; at < wanted.length; at++) {
    const error = Math.abs(found[at]! - wanted[at]!);
    if (!(error <= largest)) largest = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    top = Math.max(top, Math.abs(wanted[at]!));
    difference += error * error;
    length += wanted[at]! * wanted[at]!;
  }
  return {
    largestError: largest,
    largestNumber: top,
    relative: isWhole ? Math.sqrt(difference / length) : Number.POSITIVE_INFINITY,
  };
}

/** Milliseconds of `run`, which must wait for the device: median and least of `times`, after two that are not counted. */
export function timed(run: () => void, times: number): { readonly milliseconds: number; readonly least: number } {
  for (let round = 0; round < 2; round++) run();
  const all = Array.from({ length: times }, () => {
    const started = performance.now();
    run();
    return performance.now() - started;
  }).sort((a, b) => a - b);
  return { milliseconds: all[Math.floor(all.length / 2)]!, least: all[0]! };
}

/** Asked once: what it says does not change. */
let driver: DriverReading | undefined;

/**
 * MiB of the device's memory in use by all, as NVML counts them for this very device, whatever its number is there; null where that is
 * not told.
 */
export function deviceMegabytes({ kind, index }: Device): number | null {
  if (kind !== 'cuda') return null;
  driver ??= readDriver();
  return usedMegabytes(joinGpus(driver, readNvml()), index);
}

/** Of the device of that number in this process. */
export function usedMegabytes(gpus: readonly Gpu[], index: number): number | null {
  const gpu = gpus.find((each) => each.index === index);
  return gpu === undefined || gpu.freeBytes === null ? null : (gpu.totalBytes - gpu.freeBytes) / 2 ** 20;
}

/** MiB that have come since then; null where either is not told. */
export function more(before: number | null, now: number | null): number | null {
  return before === null || now === null ? null : now - before;
}

/** A graph over random inputs that lie on its device, as the pipeline's do. */
export interface Loaded {
  readonly session: Session;
  readonly binding: Binding;
  readonly outputs: ReadonlyMap<string, Value>;
  release(): void;
}

export interface LoadSettings {
  readonly device: Device;
  readonly weightsFolder?: string;
  readonly optimize?: 'basic' | 'all';
  /** Lengths of the graph's symbolic axes. */
  readonly lengths: Readonly<Record<string, number>>;
  /** Outputs go to host memory, to be read. */
  readonly readable?: boolean;
  /** Values that are not to be random. */
  readonly given?: Readonly<Record<string, Float32Array | Int32Array | BigInt64Array>>;
  /** The input whose memory an output is written to; undefined where it has its own. */
  readonly inPlaceOf?: (output: string) => string | undefined;
}

export function load({ bytes, inputs, outputs }: Graph, settings: LoadSettings): Loaded {
  const { device, lengths, given = {}, readable, inPlaceOf = () => undefined, ...options } = settings;
  const session = createSession(bytes, { device, ...options });
  const binding = createBinding(session);
  const shapeOf = (shape: readonly (string | number)[]) =>
    shape.map((axis) => (typeof axis === 'number' ? axis : lengths[axis]!));
  const held: Value[] = [];
  const hold = (value: Value) => {
    held.push(value);
    return value;
  };
  const places = new Map<string, Value>();
  const written = new Set(outputs.map(({ name }) => inPlaceOf(name)));
  for (const [index, { name, dtype, shape }] of inputs.entries()) {
    const sizes = shapeOf(shape);
    if (written.has(name)) {
      const place = hold(deviceValue(session, dtype, sizes));
      places.set(name, place);
      binding.bindInput(name, place);
      continue;
    }
    const data = typedData(given[name] ?? pooled(elementCount(sizes), index), dtype);
    binding.bindInput(name, hold(hostValue(data, dtype, sizes)));
  }
  const values = outputs.map(({ name, dtype, shape }): [string, Value] => {
    const place = places.get(inPlaceOf(name) ?? '');
    if (place !== undefined) {
      binding.bindOutput(name, place);
      return [name, place];
    }
    const sizes = shapeOf(shape);
    const bytesWanted = elementCount(sizes) * bytesPerElement(dtype);
    const value = readable ? hostValue(new Uint8Array(bytesWanted), dtype, sizes) : deviceValue(session, dtype, sizes);
    binding.bindOutput(name, hold(value));
    return [name, value];
  });
  return {
    session,
    binding,
    outputs: new Map(values),
    release() {
      binding.release();
      for (const value of held) value.release();
      session.release();
    },
  };
}

function typedData(data: Float32Array | Int32Array | BigInt64Array, dtype: DType): ArrayBufferView {
  return !(data instanceof Float32Array) || dtype === 'F32' ? data : toType(data, dtype as FloatType);
}

/** The numbers of a value in host memory. */
export function numbersOf({ data, dtype }: Value): Float32Array {
  const { buffer, byteOffset, byteLength } = data!;
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, byteLength / 4);
  if (dtype === 'F16') return Float32Array.from(new Float16Array(buffer as ArrayBuffer, byteOffset, byteLength / 2));
  const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}
