import { type Handle, ortApi } from './api.ts';
import { lossOf } from './cuda-device.ts';
import { verdictOf } from './cuda-statuses.ts';
import { deviceError } from './errors.ts';

const STOPPED = /terminate flag|load(ing)? (was )?cancell?ed/i;
const MEMORY = /Failed to allocate memory|Available memory of|out of memory|bad_alloc/i;

/**
 * Throws the coded error of a failed call and frees its status; does nothing, and allocates nothing, on success.
 * `device` and `operation` go into the message: "… failed on cpu:0 while loading layers 0–7: …".
 */
export function check(status: number | bigint, device: string, operation: string): void {
  if (status === 0 || status === 0n) return;
  throw failure(BigInt(status), device, operation);
}

/** Calls a function whose last parameter returns a handle, and gives that handle. */
export function created(call: (out: BigUint64Array) => number | bigint, device: string, operation: string): Handle {
  const out = new BigUint64Array(1);
  check(call(out), device, operation);
  return out[0]!;
}

function failure(status: Handle, device: string, operation: string): Error {
  const api = ortApi();
  // The runtime's sentences may end in what would have joined them to the next.
  const detail = api.getErrorMessage(status).replace(/[\s;]+$/, '');
  api.releaseStatus(status);
  return failureOf(detail, device, operation);
}

/**
 * The coded error of a failure by the words that the runtime or CUDA has for it, and by the device's own where those leave open whether
 * it still works: what is called out of memory, or a library's internal error, may be all that is seen of a device that has gone.
 */
export function failureOf(
  detail: string,
  device: string,
  operation: string,
  loss: (device: string) => string | undefined = lossOf,
): Error {
  if (STOPPED.test(detail)) return deviceError('E_DEVICE_STOPPED', { device });
  const verdict = verdictOf(detail);
  if (verdict === 'lost') return deviceError('E_DEVICE_LOST', { device, operation, detail });
  const words = loss(device);
  if (words !== undefined) {
    return deviceError('E_DEVICE_LOST', {
      device,
      operation,
      detail: `${detail} (asked by itself, the device says: ${words})`,
    });
  }
  const isMemory = verdict === 'memory' || MEMORY.test(detail);
  return deviceError(isMemory ? 'E_DEVICE_MEMORY' : 'E_DEVICE_RUNTIME', { device, operation, detail });
}
