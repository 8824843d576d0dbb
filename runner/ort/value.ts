import { bytesPerElement, type DType, elementCount, ONNX_ELEMENT } from '../tensor.ts';
import { addressOf, type Handle, ortApi } from './api.ts';
import { deviceError } from './errors.ts';
import { type Lifetime, startLife } from './lifetime.ts';
import type { Session } from './session.ts';
import { created } from './status.ts';

/** A tensor that graphs read and write in place. Whoever made it releases it; its memory is kept as long as a binding names it. */
export interface Value {
  /** Throws `E_DEVICE_RELEASED` once it is released. */
  readonly handle: Handle;
  readonly life: Lifetime;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** First byte: host memory, or device memory of a CUDA value. */
  readonly address: Handle;
  /** Index of the CUDA device whose memory it is; null on the host. */
  readonly cuda: number | null;
  /** The host memory behind it; null when it lives on a device. Held here so that it is not collected while native code uses it. */
  readonly data: ArrayBufferView | null;
  release(): void;
}

/** A value over memory of this process, without a copy; `data` may lie over a SharedArrayBuffer. */
export function hostValue(data: ArrayBufferView, dtype: DType, shape: readonly number[]): Value {
  const wanted = elementCount(shape) * bytesPerElement(dtype);
  if (data.byteLength !== wanted) throw wrongSize('cpu', dtype, shape, data.byteLength);
  const place = { dtype, shape, address: addressOf(data), cuda: null, data };
  return owned(wrapped(place, 'cpu'), place, () => {});
}

/** A value in the memory of the session's device: zero-filled host memory on the CPU, unset device memory on CUDA. */
export function deviceValue(session: Session, dtype: DType, shape: readonly number[]): Value {
  if (session.device.kind === 'cpu') {
    return hostValue(new Uint8Array(elementCount(shape) * bytesPerElement(dtype)), dtype, shape);
  }
  const api = ortApi();
  const { name, index } = session.device;
  const operation = `allocating ${dtype} [${shape}]`;
  const memory = created((out) => api.createMemoryInfo('Cuda', 0, index, 0, out), name, operation);
  const allocator = created((out) => api.createAllocator(session.handle, memory, out), name, operation);
  const dimensions = BigInt64Array.from(shape, BigInt);
  const handle = created(
    (out) => api.createTensorAsOrtValue(allocator, dimensions, shape.length, ONNX_ELEMENT[dtype], out),
    name,
    operation,
  );
  const address = created((out) => api.getTensorMutableData(handle, out), name, operation);
  session.life.hold();
  return owned(handle, { dtype, shape, address, cuda: index, data: null }, () => {
    api.releaseAllocator(allocator);
    api.releaseMemoryInfo(memory);
    session.life.letGo();
  });
}

/** A part of a value's memory from `byteOffset` as a value of its own, wherever it lies, without a copy. It keeps the memory. */
export function viewOf(whole: Value, dtype: DType, shape: readonly number[], byteOffset = 0): Value {
  const bytes = elementCount(shape) * bytesPerElement(dtype);
  const all = elementCount(whole.shape) * bytesPerElement(whole.dtype);
  const name = whole.cuda === null ? 'cpu' : `cuda:${whole.cuda}`;
  if (byteOffset + bytes > all) throw wrongSize(name, dtype, shape, all - byteOffset);
  const address = whole.address + BigInt(byteOffset);
  const place = { dtype, shape, address, cuda: whole.cuda, data: whole.data };
  const handle = wrapped(place, name);
  whole.life.hold();
  return owned(handle, place, () => whole.life.letGo());
}

type Place = Pick<Value, 'dtype' | 'shape' | 'address' | 'cuda' | 'data'>;

function wrongSize(device: string, dtype: DType, shape: readonly number[], found: number): Error {
  const wanted = elementCount(shape) * bytesPerElement(dtype);
  const detail = `${dtype} [${shape}] needs ${wanted} bytes, found ${found}`;
  return deviceError('E_DEVICE_RUNTIME', { device, operation: 'wrapping a buffer', detail });
}

/** The runtime's handle for memory that is there already. */
function wrapped({ dtype, shape, address, cuda }: Place, device: string): Handle {
  const api = ortApi();
  const [kind, allocator] = cuda === null ? (['Cpu', 1] as const) : (['Cuda', 0] as const);
  const memory = created(
    (out) => api.createMemoryInfo(kind, allocator, cuda ?? 0, 0, out),
    device,
    'describing memory',
  );
  const bytes = elementCount(shape) * bytesPerElement(dtype);
  const dimensions = BigInt64Array.from(shape, BigInt);
  const element = ONNX_ELEMENT[dtype];
  try {
    return created(
      (out) => api.createTensorWithDataAsOrtValue(memory, address, bytes, dimensions, shape.length, element, out),
      device,
      'wrapping a buffer',
    );
  } finally {
    api.releaseMemoryInfo(memory);
  }
}

function owned(handle: Handle, place: Place, after: () => void): Value {
  const life = startLife(`a tensor ${place.dtype} [${place.shape}]`, () => {
    ortApi().releaseValue(handle);
    after();
  });
  return {
    get handle() {
      life.check();
      return handle;
    },
    life,
    ...place,
    release: life.release,
  };
}
