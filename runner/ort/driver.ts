import { readCString } from './api.ts';
import type { DriverDevice, DriverReading } from './gpu.ts';
import { type NativeArgument, type NativeLibrary, openNative, reasonOf, textIn } from './native-library.ts';

/** The CUDA driver's library; comes with NVIDIA's driver, never with an image. */
export const DRIVER_LIBRARY = 'libcuda.so.1';

const NO_DEVICE = 100;
const CAPABILITY_MAJOR = 75;
const CAPABILITY_MINOR = 76;
const NAME_BYTES = 256;

/** A function of the driver that must succeed. Throws a plain error that names it and what the driver says. */
type Ask = (name: string, letters: string, ...args: readonly NativeArgument[]) => void;

/**
 * Asks the driver for its version and devices. Looking only: no context is made, so no memory of a device is taken.
 * `CUDA_VISIBLE_DEVICES` counts. Never throws.
 */
export function readDriver(file: string = DRIVER_LIBRARY): DriverReading {
  const library = openNative(file);
  if ('problem' in library) return { kind: 'absent', detail: library.problem };
  try {
    return { kind: 'read', ...readAll(library) };
  } catch (error) {
    return { kind: 'failed', detail: reasonOf(error) };
  }
}

function readAll(library: NativeLibrary): { cudaVersion: number; devices: readonly DriverDevice[] } {
  const ask: Ask = (name, letters, ...args) => {
    const code = library.call(name, letters, ...args);
    if (code !== 0) throw new Error(`${name}: ${errorText(library, code)}`);
  };
  const cudaVersion = asked((out) => ask('cuDriverGetVersion', 'p', out));
  const started = library.call('cuInit', 'u', 0);
  if (started === NO_DEVICE) return { cudaVersion, devices: [] };
  if (started !== 0) throw new Error(`cuInit: ${errorText(library, started)}`);
  const count = asked((out) => ask('cuDeviceGetCount', 'p', out));
  const handles = Array.from({ length: count }, (_, index) => asked((out) => ask('cuDeviceGet', 'pi', out, index)));
  // The second version tells slices of one GPU apart.
  const uuidCall = library.has('cuDeviceGetUuid_v2') ? 'cuDeviceGetUuid_v2' : 'cuDeviceGetUuid';
  const devices = handles.map((handle, index) => {
    const others = handles.map((other, peer) => ({ other, peer })).filter(({ peer }) => peer !== index);
    const reaches = ({ other }: { other: number }) =>
      asked((out) => ask('cuDeviceCanAccessPeer', 'pii', out, handle, other)) !== 0;
    return { index, ...readDevice(ask, uuidCall, handle), peers: others.filter(reaches).map(({ peer }) => peer) };
  });
  return { cudaVersion, devices };
}

function readDevice(ask: Ask, uuidCall: string, handle: number): Omit<DriverDevice, 'index' | 'peers'> {
  const uuid = new Uint8Array(16);
  const name = new Uint8Array(NAME_BYTES);
  const total = new BigUint64Array(1);
  const attribute = (which: number) => asked((out) => ask('cuDeviceGetAttribute', 'pii', out, which, handle));
  ask(uuidCall, 'pi', uuid, handle);
  ask('cuDeviceGetName', 'pii', name, NAME_BYTES, handle);
  ask('cuDeviceTotalMem_v2', 'pi', total, handle);
  return {
    uuid: grouped(uuid),
    name: textIn(name),
    major: attribute(CAPABILITY_MAJOR),
    minor: attribute(CAPABILITY_MINOR),
    totalBytes: Number(total[0]),
  };
}

function asked(ask: (out: Int32Array) => void): number {
  const out = new Int32Array(1);
  ask(out);
  return out[0]!;
}

function errorText(library: NativeLibrary, code: number): string {
  const words = ['cuGetErrorName', 'cuGetErrorString'].map((name) => {
    const out = new BigUint64Array(1);
    return library.has(name) && library.call(name, 'ip', code, out) === 0 && out[0] !== 0n ? readCString(out[0]!) : '';
  });
  return [...words, `error ${code}`].filter((word) => word !== '').join(', ');
}

/** 16 bytes as every tool writes a uuid. */
function grouped(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
