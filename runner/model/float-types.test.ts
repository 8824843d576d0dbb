import { expect, test } from 'vitest';
import { FLOAT_NAMES, FLOAT_TYPES, storedFloatType } from './float-types.ts';

const of = (dtype: string, byteLength: number) => ({ dtype, byteLength });

test.each([
  { what: 'nothing', tensors: [], found: 'F32' },
  { what: 'float32 alone', tensors: [of('F32', 8)], found: 'F32' },
  { what: 'bfloat16 matrices beside float32 norms', tensors: [of('F32', 8), of('BF16', 100)], found: 'BF16' },
  { what: 'float16 matrices beside float32 norms', tensors: [of('F16', 100), of('F32', 8)], found: 'F16' },
  { what: 'as much of one as of the other', tensors: [of('BF16', 8), of('F32', 8)], found: 'F32' },
  { what: 'what is no format of ours', tensors: [of('I64', 800), of('BF16', 8)], found: 'BF16' },
])('a model of $what is stored in $found', ({ tensors, found }) => {
  expect(storedFloatType(tensors)).toBe(found);
});

test('each format has one name', () => {
  for (const [name, dtype] of Object.entries(FLOAT_TYPES)) expect(FLOAT_NAMES[dtype]).toBe(name);
});
