import type { Handle } from '../../runner/ort/api.ts';
import type { CudaCopies } from '../../runner/ort/cuda-copies.ts';
import { openNative } from '../../runner/ort/native-library.ts';
import type { Copied, Place } from './copy-log.ts';

/**
 * Copies of the device of that number, each told once it is made. `placeOf` says whose memory an address lies in, `fetched` what it is that is
 * pulled from elsewhere.
 */
export function countedCopies(
  copies: CudaCopies,
  device: number,
  placeOf: (address: Handle) => Place,
  told: (copy: Copied) => void,
  fetched: 'hop' | 'samples' = 'hop',
): CudaCopies {
  const tell = (how: Copied['how'], from: Place, to: Place, bytes: number) => {
    if (bytes > 0) told({ by: 'ours', how, from, to, bytes });
  };
  return {
    copy(from, to, bytes) {
      copies.copy(from, to, bytes);
      tell('copy', placeOf(from), placeOf(to), bytes);
    },
    pull(fromDevice, from, to, bytes) {
      copies.pull(fromDevice, from, to, bytes);
      tell(fetched, fromDevice, device, bytes);
    },
    copyRows(from, to, bytes, count) {
      copies.copyRows(from, to, bytes, count);
      tell('rows', placeOf(from.address), placeOf(to.address), bytes * count);
    },
    clear: copies.clear,
    release: copies.release,
  };
}

/** `cudaPointerAttributes`: type, device, two addresses, and what CUDA 13 keeps in reserve. */
const ATTRIBUTES_BYTES = 88;
/** Of a device, or managed by one. */
const DEVICE_TYPES = [2, 3];

/** Asks CUDA whose memory an address lies in. */
export function askPlaces(): (address: Handle) => Place {
  const library = openNative('libcudart.so.13');
  if ('problem' in library) throw new Error(library.problem);
  const ask = library.bind('cudaPointerGetAttributes', 'pp');
  const found = new Int32Array(ATTRIBUTES_BYTES / Int32Array.BYTES_PER_ELEMENT);
  return (address) => {
    const code = ask(found, address);
    if (code !== 0) throw new Error(`cudaPointerGetAttributes: error ${code}`);
    return DEVICE_TYPES.includes(found[0]!) ? found[1]! : 'host';
  };
}
