import { type CudaCopies, openCudaCopies } from '../ort/cuda-copies.ts';
import type { Device } from '../ort/device.ts';
import { own } from '../ort/lifetime.ts';
import type { Session } from '../ort/session.ts';
import { deviceValue, hostValue, type Value, viewOf } from '../ort/value.ts';
import type { DType } from '../tensor.ts';

/**
 * Where a stage's numbers live: on its device, each once. On the CPU that is this process's memory, which graphs read in place;
 * on CUDA what is put there is copied once, and a graph that reads it costs no copy. All is released with the stage's stack.
 */
export interface Residence {
  /** Of the CUDA device; null on the CPU. */
  readonly copies: CudaCopies | null;
  /** Numbers of this process for graphs to read. They may change later on the CPU only. */
  put(data: ArrayBufferView, dtype: DType, shape: readonly number[]): Value;
  /** Memory that graphs write. */
  room(dtype: DType, shape: readonly number[]): Value;
  /** A part of either, from a byte on. */
  part(whole: Value, dtype: DType, shape: readonly number[], byteOffset?: number): Value;
}

/** How the copies of a device are opened; null where numbers stay in this process's memory. */
export type OpenCopies = (device: Device) => CudaCopies | null;

const copiesOf: OpenCopies = (device) => (device.kind === 'cuda' ? openCudaCopies(device) : null);

/** Opens it on the device of a session, from whose memory it takes. Tests give copies of their own. */
export function openResidence(session: Session, stack: DisposableStack, openCopies: OpenCopies = copiesOf): Residence {
  const opened = openCopies(session.device);
  const copies = opened === null ? null : own(stack, opened);
  const room: Residence['room'] = (dtype, shape) => own(stack, deviceValue(session, dtype, shape));
  return {
    copies,
    room,
    put(data, dtype, shape) {
      const host = own(stack, hostValue(data, dtype, shape));
      if (copies === null) return host;
      const resident = room(dtype, shape);
      copies.copy(host.address, resident.address, data.byteLength);
      return resident;
    },
    part: (whole, dtype, shape, byteOffset = 0) => own(stack, viewOf(whole, dtype, shape, byteOffset)),
  };
}
