/**
 * Plain tensors and element types: no runtime, no files. Shapes are outermost axis first, data dense and row-major.
 */

/** Bytes per element of each element type, named as safetensors names them. */
const BYTES_PER_ELEMENT = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** Element type of a tensor. */
export type DType = keyof typeof BYTES_PER_ELEMENT;

/** Element types that a model may be stored or computed in. */
export type FloatType = 'F32' | 'F16' | 'BF16';

/** A float32 tensor in this process's memory; `data` may lie over a SharedArrayBuffer. */
export interface F32Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Where a stored tensor lies: a file of its weights folder, first byte, length in bytes. */
export interface TensorEntry {
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Product of the axes; 1 for a scalar's empty shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

export function bytesPerElement(dtype: DType): number {
  return BYTES_PER_ELEMENT[dtype];
}

/** ONNX's number of an element type (TensorProto.DataType), used by graphs and by the runtime alike. */
export const ONNX_ELEMENT: Readonly<Record<DType, number>> = {
  F32: 1,
  U8: 2,
  I8: 3,
  U16: 4,
  I16: 5,
  I32: 6,
  I64: 7,
  BOOL: 9,
  F16: 10,
  F64: 11,
  U32: 12,
  U64: 13,
  BF16: 16,
};

export function isDType(name: string): name is DType {
  return Object.hasOwn(BYTES_PER_ELEMENT, name);
}

/** False where a number is NaN or infinite. One pass at memory speed: four sums, so that none waits for the one before. */
export function allFinite(data: Float32Array): boolean {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const even = data.length - (data.length % 4);
  for (let i = 0; i < even; i += 4) {
    a += data[i]! * 0;
    b += data[i + 1]! * 0;
    c += data[i + 2]! * 0;
    d += data[i + 3]! * 0;
  }
  for (let i = even; i < data.length; i++) a += data[i]! * 0;
  return a + b + c + d === 0;
}

/** Bits of the exponent of a 16-bit type; all of them are set in NaN and infinity. */
const EXPONENT = { F16: 0x7c00, BF16: 0x7f80 } as const;

/** As {@link allFinite}, of numbers stored as bytes. */
export function allFiniteBytes(bytes: Uint8Array, dtype: FloatType): boolean {
  const { buffer, byteOffset, byteLength } = bytes;
  if (dtype === 'F32') return allFinite(new Float32Array(buffer, byteOffset, byteLength / 4));
  const exponent = EXPONENT[dtype];
  return new Uint16Array(buffer, byteOffset, byteLength / 2).every((bits) => (bits & exponent) !== exponent);
}

/** The bytes of numbers, where they lie. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A zero-filled float32 tensor; `shared` puts it where several threads can see it. */
export function zeros(shape: readonly number[], shared = false): F32Tensor {
  const byteLength = elementCount(shape) * BYTES_PER_ELEMENT.F32;
  return { shape, data: new Float32Array(shared ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength)) };
}
