import { expect, test } from 'vitest';
import { modelInput, tinyModel } from '../../test/same-bits/inputs.ts';
import type { FloatType } from '../tensor.ts';
import { createSharedMemory } from './layout.ts';
import { stageTasks } from './stage-task.ts';

const { plan, noise } = modelInput(tinyModel(), { stages: 1, steps: 2, frames: 9, blockLatents: 3, contextLatents: 0 });

/** Attention of the layers that a device is given. */
function attentionOn(dtype: FloatType, capability: number | undefined): string {
  const shape = { width: 48, textTokens: 64, dtype, trace: false, device: 'cuda' } as const;
  const shared = createSharedMemory(plan, shape);
  const common = { plan, dtype, noise, prompts: [], shared, firstIteration: 0, intraOpThreads: 1 };
  const device = {
    kind: 'cuda',
    index: 0,
    name: 'cuda:0',
    ...(capability === undefined ? {} : { capability }),
  } as const;
  const [task] = stageTasks(tinyModel(), [device], common);
  const graph = Buffer.from(task!.experts[0]!.slice).toString('latin1');
  return graph.includes('MultiHeadAttention') ? 'MultiHeadAttention' : 'Attention';
}

test.each([
  { dtype: 'BF16', capability: 9, operator: 'MultiHeadAttention' },
  { dtype: 'BF16', capability: 8.6, operator: 'Attention' },
  { dtype: 'F16', capability: 7.5, operator: 'Attention' },
  { dtype: 'F32', capability: 8.6, operator: 'MultiHeadAttention' },
  { dtype: 'BF16', capability: undefined, operator: 'MultiHeadAttention' },
] as const)(
  'layers in $dtype on a GPU of capability $capability attend by $operator',
  ({ dtype, capability, operator }) => {
    expect(attentionOn(dtype, capability)).toBe(operator);
  },
);
