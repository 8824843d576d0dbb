import { describe, expect, test } from 'vitest';
import type { Edge, Operation } from '../model/graph.ts';
import { isHalf, widened } from './half-precision.ts';

const half = (name: string): Edge => ({ name, dtype: 'F16', shape: [4] });
const full = (name: string): Edge => ({ name, dtype: 'F32', shape: [4] });
const run = (op: string, inputs: readonly Edge[], output: Edge): Operation => ({ op, inputs, outputs: [output] });

/** What is computed, each as its operation and the formats that it reads and makes. */
const computed = (operation: Operation) =>
  widened([operation]).map(({ op, inputs, outputs }) => {
    const formats = (edges: readonly Edge[]) => edges.map(({ dtype }) => dtype).join(' ');
    return `${formats(inputs)} ${op} ${formats(outputs)}`;
  });

describe('on a processor', () => {
  test.each([
    {
      what: 'a product in half precision turns what it reads, stored numbers too, and what it makes',
      operation: run('Gemm', [half('x'), half('stored')], half('y')),
      computes: ['F16 Cast F32', 'F16 Cast F32', 'F32 F32 Gemm F32', 'F32 Cast F16'],
    },
    {
      what: 'what only moves numbers stays as it is',
      operation: run('Concat', [half('x'), half('z')], half('y')),
      computes: ['F16 F16 Concat F16'],
    },
    {
      what: 'float32 stays as it is',
      operation: run('Mul', [full('x'), full('stored')], full('y')),
      computes: ['F32 F32 Mul F32'],
    },
  ])('$what', ({ operation, computes }) => expect(computed(operation)).toEqual(computes));

  test('both formats of 16 bits are half precision', () => {
    const formats = ['F16', 'BF16', 'F32'] as const;
    expect(formats.filter((dtype) => isHalf({ name: 'x', dtype, shape: [4] }))).toEqual(['F16', 'BF16']);
  });
});
