import type { FloatType } from '../tensor.ts';

/**
 * Operators that attend without a mask on CUDA. `GroupQueryAttention` is not among them: it has no float32 kernel, copies keys and
 * values, and is slower than `MultiHeadAttention` where both take cuDNN's kernel (docs/gpu.md#attention).
 */
export const ATTENTION_OPERATORS = ['MultiHeadAttention', 'Attention'] as const;

export type AttentionOperator = (typeof ATTENTION_OPERATORS)[number];

/**
 * The fastest operator for a type and the device's compute capability (9.0 for Hopper), the newest kind where absent.
 * From 9.0 on `MultiHeadAttention` takes cuDNN's kernel by itself, 1.8 times as fast as the flash attention that `Attention`
 * takes; below, its bfloat16 falls to a kernel half as fast as that. In float32 both take the same one.
 */
export function attentionOperator(dtype: FloatType, capability = 9): AttentionOperator {
  return dtype !== 'F32' && capability < 9 ? 'Attention' : 'MultiHeadAttention';
}
