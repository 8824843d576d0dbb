import { lossAmong } from './cuda-statuses.ts';
import type { Device } from './device.ts';
import { type NativeLibrary, openNative } from './native-library.ts';

/** CUDA's runtime library, which the provider is linked to. */
export const CUDA_LIBRARY = 'libcudart.so.13';

/** Numbers of the CUDA devices that this thread has computed on, by name: the only ones that are asked anything. */
const used = new Map<string, number>();

/**
 * Makes a CUDA device the calling thread's current one. The runtime's provider takes a little memory on whichever that is before it turns
 * to its own: without this every thread would open a context on the first device too, half a gigabyte there. Gives
 * CUDA's status.
 */
export function makeCurrent({ name, index }: Device): number {
  const library = openNative(CUDA_LIBRARY);
  // Who cannot load it is told so by the provider, which needs it too.
  if ('problem' in library) return 0;
  used.set(name, index);
  return library.call('cudaSetDevice', 'i', index);
}

/**
 * Asks a device that something has failed on whether it still works; gives CUDA's words where it does not, undefined where it does, or
 * where this thread has never used such a device. Nothing here waits for the device's work, which may never end.
 */
export function lossOf(name: string): string | undefined {
  const index = used.get(name);
  if (index === undefined) return undefined;
  const library = openNative(CUDA_LIBRARY);
  if ('problem' in library) return undefined;
  const bytes = [new BigUint64Array(1), new BigUint64Array(1)] as const;
  const asked = [
    ['cudaSetDevice', library.call('cudaSetDevice', 'i', index)],
    ['cudaPeekAtLastError', library.call('cudaPeekAtLastError', '')],
    ['cudaStreamQuery', library.call('cudaStreamQuery', 'p', null)],
    ['cudaMemGetInfo', library.call('cudaMemGetInfo', 'pp', ...bytes)],
  ] as const;
  const loss = lossAmong(asked);
  return loss && cudaWords(library, loss[0], loss[1]);
}

/** Waits until nothing runs on a device any more, on behalf of this process; false where it cannot be told. */
export function waitForDevice({ kind, index }: Device): boolean {
  if (kind !== 'cuda') return true;
  const library = openNative(CUDA_LIBRARY);
  if ('problem' in library) return false;
  return library.call('cudaSetDevice', 'i', index) === 0 && library.call('cudaDeviceSynchronize', '') === 0;
}

/** A failed call of CUDA's runtime as the provider too would write it. */
export function cudaWords(library: NativeLibrary, functionName: string, code: number): string {
  return `CUDA failure ${code}: ${library.text('cudaGetErrorString', code)} in ${functionName}`;
}
