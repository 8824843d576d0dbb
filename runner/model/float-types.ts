import type { FloatType } from '../tensor.ts';

/** Number formats by the names that specs and PyTorch give them. */
export const FLOAT_TYPES = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' } as const satisfies Record<
  string,
  FloatType
>;

/** A number format as a spec names it. */
export type FloatName = keyof typeof FLOAT_TYPES;

/** The name of a number format in specs. */
export const FLOAT_NAMES: Readonly<Record<FloatType, FloatName>> = { F32: 'float32', BF16: 'bfloat16', F16: 'float16' };

/** A stored tensor's number format and length, as far as they matter here. */
interface Stored {
  readonly dtype: string;
  readonly byteLength: number;
}

/**
 * The number format that a model is stored in: the one of most bytes, since norms and tables are often kept in float32 beside
 * half-precision matrices. Formats that are none of ours (which are refused elsewhere) count as none; float32 where nothing does.
 */
export function storedFloatType(tensors: Iterable<Stored>): FloatType {
  const bytes = { F32: 0, F16: 0, BF16: 0 };
  for (const { dtype, byteLength } of tensors) {
    if (Object.hasOwn(bytes, dtype)) bytes[dtype as FloatType] += byteLength;
  }
  return (['F32', 'F16', 'BF16'] as const).reduce((most, next) => (bytes[next] > bytes[most] ? next : most));
}
