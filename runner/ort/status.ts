import { type Handle, ortApi } from './api.ts';
import { deviceError } from './errors.ts';

const STOPPED = /terminate flag|load(ing)? (was )?cancell?ed/i;
const MEMORY = /Failed to allocate memory|Available memory of|out of memory|bad_alloc/i;
/** CUDA's numbers for a device that cannot be used any more, by this process or by any: gone, broken, or in an error that stays. */
const LOST = /\bCUDA (?:failure|error) (?:4[56]|10[01]|214|22[0-9]|7(?:00|1[0-9]|2[01])|80[0-9]|999)\b/i;

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
  const detail = api.getErrorMessage(status);
  api.releaseStatus(status);
  return failureOf(detail, device, operation);
}

/** The coded error of a failure by the words that the runtime or CUDA has for it. */
export function failureOf(detail: string, device: string, operation: string): Error {
  if (STOPPED.test(detail)) return deviceError('E_DEVICE_STOPPED', { device });
  if (MEMORY.test(detail)) return deviceError('E_DEVICE_MEMORY', { device, operation, detail });
  return deviceError(LOST.test(detail) ? 'E_DEVICE_LOST' : 'E_DEVICE_RUNTIME', { device, operation, detail });
}
