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
  /** The host memory behind it; null when it lives on a device. Held here so that it is not collected while native code uses it. */
  readonly data: ArrayBufferView | null;
  release(): void;
}

/** A value over memory of this process, without a copy; `data` may lie over a SharedArrayBuffer. */
export function hostValue(data: ArrayBufferView, dtype: DType, shape: readonly number[]): Value {
  const api = ortApi();
  const wanted = elementCount(shape) * bytesPerElement(dtype);
  if (data.byteLength !== wanted) {
    const detail = `${dtype} [${shape}] needs ${wanted} bytes, found ${data.byteLength}`;
    throw deviceError('E_DEVICE_RUNTIME', { device: 'cpu', operation: 'wrapping a buffer', detail });
  }
  const address = addressOf(data);
  const dimensions = BigInt64Array.from(shape, BigInt);
  const memory = created((out) => api.createMemoryInfo('Cpu', 1, 0, 0, out), 'cpu', 'describing host memory');
  try {
    const handle = created(
      (out) =>
        api.createTensorWithDataAsOrtValue(
          memory,
          address,
          data.byteLength,
          dimensions,
          shape.length,
          ONNX_ELEMENT[dtype],
          out,
        ),
      'cpu',
      'wrapping a buffer',
    );
    return owned(handle, dtype, shape, address, data, () => {});
  } finally {
    api.releaseMemoryInfo(memory);
  }
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
  return owned(handle, dtype, shape, address, null, () => {
    api.releaseAllocator(allocator);
    api.releaseMemoryInfo(memory);
    session.life.letGo();
  });
}

function owned(
  handle: Handle,
  dtype: DType,
  shape: readonly number[],
  address: Handle,
  data: ArrayBufferView | null,
  after: () => void,
): Value {
  const life = startLife(`a tensor ${dtype} [${shape}]`, () => {
    ortApi().releaseValue(handle);
    after();
  });
  return {
    get handle() {
      life.check();
      return handle;
    },
    life,
    dtype,
    shape,
    address,
    data,
    release: life.release,
  };
}
