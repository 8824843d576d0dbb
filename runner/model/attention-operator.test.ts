import { expect, test } from 'vitest';
import { attentionOperator } from './attention-operator.ts';

test.each([
  { dtype: 'BF16', capability: 9.0, operator: 'MultiHeadAttention' },
  { dtype: 'F16', capability: 10.0, operator: 'MultiHeadAttention' },
  { dtype: 'F32', capability: 9.0, operator: 'MultiHeadAttention' },
  { dtype: 'BF16', capability: 8.9, operator: 'Attention' },
  { dtype: 'F16', capability: 8.0, operator: 'Attention' },
  { dtype: 'F32', capability: 8.0, operator: 'MultiHeadAttention' },
  { dtype: 'BF16', capability: undefined, operator: 'MultiHeadAttention' },
] as const)('$dtype on compute capability $capability attends by $operator', ({ dtype, capability, operator }) => {
  expect(attentionOperator(dtype, capability)).toBe(operator);
});
