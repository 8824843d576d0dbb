import type { ChunkType } from '../model/vae-decoder.ts';
import type { Handle } from '../ort/api.ts';
import { openCudaCopies } from '../ort/cuda-copies.ts';
import { own } from '../ort/lifetime.ts';
import type { Session } from '../ort/session.ts';
import { deviceValue, hostValue, type Value, viewOf } from '../ort/value.ts';
import { bytesPerElement, type DType, elementCount } from '../tensor.ts';

/** Where a part of the decoder has left what the next one goes on with: shared memory, or memory of a CUDA device. */
export type Handed = { readonly memory: SharedArrayBuffer } | { readonly device: number; readonly address: Handle };

type Shape = readonly number[];

/** What comes from the part before: copied to this part's own device, so that the part before may go on. */
export interface Incoming {
  /** One copy; on CUDA from device to device. */
  take(handed: Handed, shape: Shape): Value;
}

/** What goes to the next part, one item at a time. */
export interface Outgoing {
  /** Where the graph leaves an item of the given shape. */
  room(shape: Shape): Value;
  /** Where the next part finds it. */
  readonly handed: Handed;
}

/** Room for what comes in, of `shape` at most, on the session's device. */
export function openIncoming(session: Session, dtype: ChunkType, shape: Shape, stack: DisposableStack): Incoming {
  const { device } = session;
  const copies = device.kind === 'cuda' ? own(stack, openCudaCopies(device)) : null;
  const whole = own(stack, deviceValue(session, dtype, shape));
  const viewAs = views(whole, dtype, stack);
  return {
    take(handed, wanted) {
      const bytes = elementCount(wanted) * bytesPerElement(dtype);
      if ('memory' in handed) (whole.data as Uint8Array).set(new Uint8Array(handed.memory, 0, bytes));
      else copies!.pull(handed.device, handed.address, whole.address, bytes);
      return viewAs(wanted);
    },
  };
}

/** Room for what goes out, of `shape` at most. */
export function openOutgoing(session: Session, dtype: ChunkType, shape: Shape, stack: DisposableStack): Outgoing {
  const { device } = session;
  if (device.kind === 'cuda') {
    const whole = own(stack, deviceValue(session, dtype, shape));
    return { room: views(whole, dtype, stack), handed: { device: device.index, address: whole.address } };
  }
  const memory = new SharedArrayBuffer(elementCount(shape) * bytesPerElement(dtype));
  const whole = own(stack, hostValue(new Uint8Array(memory), dtype, shape));
  return { room: views(whole, dtype, stack), handed: { memory } };
}

/** Parts of a value from its beginning, each made once. */
export function views(whole: Value, dtype: DType, stack: DisposableStack): (shape: Shape) => Value {
  const made = new Map<string, Value>();
  // Views are made later, when what has been opened so far may have moved to another stack.
  const theirs = stack.use(new DisposableStack());
  return (shape) => {
    const key = String(shape);
    const view = made.get(key) ?? own(theirs, viewOf(whole, dtype, shape));
    made.set(key, view);
    return view;
  };
}
