import { bytesPerElement, type DType, elementCount, type F32Tensor, ONNX_ELEMENT } from '../tensor.ts';
import { copyOf, cStrings, type Handle, ortApi } from './api.ts';
import { cancelHandles } from './cancel.ts';
import { deviceError } from './errors.ts';
import type { Session } from './session.ts';
import { check, created } from './status.ts';
import { hostValue } from './value.ts';

/** A tensor of any element type, as its bytes are stored. */
export interface AnyTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/**
 * Runs a graph once with fresh outputs: for what happens once per film, and for tests. Every output is copied.
 * Float32 outputs come back by name; outputs of other types are refused (use `runOnceAny`).
 */
export function runOnce(
  session: Session,
  inputs: Readonly<Record<string, F32Tensor | AnyTensor>>,
): Readonly<Record<string, F32Tensor>> {
  const results = Object.entries(runOnceAny(session, inputs));
  return Object.fromEntries(results.map(([name, tensor]) => [name, asF32(name, tensor, session.device.name)]));
}

/** As {@link runOnce}, with outputs of any element type as bytes. */
export function runOnceAny(
  session: Session,
  inputs: Readonly<Record<string, F32Tensor | AnyTensor>>,
): Readonly<Record<string, AnyTensor>> {
  const api = ortApi();
  const device = session.device.name;
  const values = Object.values(inputs).map((t) => hostValue(t.data, 'dtype' in t ? t.dtype : 'F32', t.shape));
  const outputs = new BigUint64Array(session.outputs.length);
  try {
    const [inputNames, inputMemory] = cStrings(Object.keys(inputs));
    const [outputNames, outputMemory] = cStrings(session.outputs);
    const handles = BigUint64Array.from(values, (value) => value.handle);
    const status = api.run(
      session.handle,
      cancelHandles().run,
      inputNames,
      handles,
      inputMemory.length,
      outputNames,
      outputMemory.length,
      outputs,
    );
    check(status, device, 'running a graph');
    return Object.fromEntries(session.outputs.map((name, index) => [name, readValue(outputs[index]!, device)]));
  } finally {
    for (const handle of outputs) if (handle !== 0n) api.releaseValue(handle);
    for (const value of values) value.release();
  }
}

function readValue(handle: Handle, device: string): AnyTensor {
  const api = ortApi();
  const operation = 'reading an output';
  const info = created((out) => api.getTensorTypeAndShape(handle, out), device, operation);
  try {
    const element = Number(created((out) => api.getTensorElementType(info, out), device, operation));
    const rank = Number(created((out) => api.getDimensionsCount(info, out), device, operation));
    const dimensions = new BigInt64Array(rank);
    if (rank > 0) check(api.getDimensions(info, dimensions, rank), device, operation);
    const dtype = Object.entries(ONNX_ELEMENT).find(([, number]) => number === element)?.[0] as DType;
    const shape = Array.from(dimensions, Number);
    const address = created((out) => api.getTensorMutableData(handle, out), device, operation);
    const bytes = copyOf(address, elementCount(shape) * bytesPerElement(dtype));
    return { dtype, shape, data: new Uint8Array(bytes) };
  } finally {
    api.releaseTensorTypeAndShapeInfo(info);
  }
}

function asF32(name: string, tensor: AnyTensor, device: string): F32Tensor {
  if (tensor.dtype !== 'F32') {
    const detail = `output "${name}" is ${tensor.dtype}, wanted F32`;
    throw deviceError('E_DEVICE_RUNTIME', { device, operation: 'reading an output', detail });
  }
  return { shape: tensor.shape, data: new Float32Array(tensor.data.buffer as ArrayBuffer) };
}
