import type { Handle } from './api.ts';
import { CUDA_LIBRARY, cudaWords, makeCurrent } from './cuda-device.ts';
import type { Device } from './device.ts';
import { startLife } from './lifetime.ts';
import { type NativeArgument, type NativeLibrary, openNative } from './native-library.ts';
import { failureOf } from './status.ts';

/** A stream that waits for no other, as the runtime's own are. */
const NON_BLOCKING = 1;
/** The direction is told by the addresses. */
const BY_ADDRESS = 4;

/** Rows at equal distances in memory: what lies between them is left alone. */
export interface Rows {
  readonly address: Handle;
  /** Bytes from a row to the next. */
  readonly pitch: number;
}

/**
 * Copies from and to the memory of one device, on a stream of their own. Every copy is over when its call returns: the runtime's streams do
 * not wait for this one. What is read must be finished, which it is once the run that made it has returned.
 * Everything throws `E_DEVICE_…`.
 */
export interface CudaCopies {
  /** Between this process's memory and a device, or two devices: as many bytes as `to` has. */
  copy(from: Handle, to: Handle, bytes: number): void;
  /** From the memory of another device to this one's, directly where the two can reach each other. */
  pull(fromDevice: number, from: Handle, to: Handle, bytes: number): void;
  /** `count` rows of `bytes` bytes each, on any devices. */
  copyRows(from: Rows, to: Rows, bytes: number, count: number): void;
  /** Zeroes memory of the device. */
  clear(at: Handle, bytes: number): void;
  release(): void;
}

/** Opens the copies of a CUDA device, for the calling thread, whose current device it becomes. */
export function openCudaCopies(device: Device): CudaCopies {
  const { name, index } = device;
  const opened = openNative(CUDA_LIBRARY);
  if ('problem' in opened) throw failureOf(opened.problem, name, 'opening CUDA');
  const library: NativeLibrary = opened;
  const bound = new Map<string, (...args: readonly NativeArgument[]) => number>();
  const succeed = (operation: string, functionName: string, code: number) => {
    if (code !== 0) throw failureOf(cudaWords(library, functionName, code), name, operation);
  };
  const call = (operation: string, functionName: string, letters: string, ...args: readonly NativeArgument[]) => {
    const native = bound.get(functionName) ?? library.bind(functionName, letters);
    bound.set(functionName, native);
    succeed(operation, functionName, native(...args));
  };
  succeed('choosing the device', 'cudaSetDevice', makeCurrent(device));
  const out = new BigUint64Array(1);
  call('making a stream', 'cudaStreamCreateWithFlags', 'pu', out, NON_BLOCKING);
  const stream = out[0]!;
  const reached = new Set<number>([index]);
  const life = startLife(`copies of ${name}`, () => void library.call('cudaStreamDestroy', 'p', stream));
  const wait = () => call('waiting for a copy', 'cudaStreamSynchronize', 'p', stream);

  /** Without it a copy between devices goes through host memory. That it was there already counts as an error, which must not be left behind for others to find. */
  function reach(peer: number): void {
    if (reached.has(peer)) return;
    reached.add(peer);
    const can = new Int32Array(1);
    call('asking for peers', 'cudaDeviceCanAccessPeer', 'pii', can, index, peer);
    if (can[0] === 1 && library.call('cudaDeviceEnablePeerAccess', 'iu', peer, 0) !== 0) {
      library.call('cudaGetLastError', '');
    }
  }

  return {
    copy(from, to, bytes) {
      if (bytes === 0) return;
      life.check();
      call('copying', 'cudaMemcpyAsync', 'ppzip', to, from, bytes, BY_ADDRESS, stream);
      wait();
    },
    pull(fromDevice, from, to, bytes) {
      life.check();
      reach(fromDevice);
      call('copying from another device', 'cudaMemcpyPeerAsync', 'pipizp', to, index, from, fromDevice, bytes, stream);
      wait();
    },
    copyRows(from, to, bytes, count) {
      life.check();
      const places = [to.address, to.pitch, from.address, from.pitch] as const;
      call('copying rows', 'cudaMemcpy2DAsync', 'pzpzzzip', ...places, bytes, count, BY_ADDRESS, stream);
      wait();
    },
    clear(at, bytes) {
      life.check();
      call('clearing memory', 'cudaMemsetAsync', 'pizp', at, 0, bytes, stream);
      wait();
    },
    release: life.release,
  };
}
