import { expect, test } from 'vitest';
import { modelInput, tinyModel } from '../../test/same-bits/inputs.ts';
import type { FloatType } from '../tensor.ts';
import { createSharedMemory } from './layout.ts';
import { stageTasks } from './stage-task.ts';

/** Attention of the layers of each stage, by the compute capabilities of their devices. */
function attentionOn(dtype: FloatType, capabilities: readonly (number | undefined)[]): readonly string[] {
  const film = { stages: capabilities.length, steps: 2, frames: 9, blockLatents: 3, contextLatents: 0 };
  const { plan, noise } = modelInput(tinyModel(), film);
  const shape = { width: 48, textTokens: 64, dtype, trace: false, device: 'cuda' } as const;
  const shared = createSharedMemory(plan, shape);
  const common = { plan, dtype, noise, prompts: [], shared, firstIteration: 0, intraOpThreads: 1 };
  const devices = capabilities.map((capability, index) => ({
    ...{ kind: 'cuda' as const, index, name: `cuda:${index}` },
    ...(capability === undefined ? {} : { capability }),
  }));
  return stageTasks(tinyModel(), devices, common).map(({ experts }) => {
    const graph = Buffer.from(experts[0]!.slice).toString('latin1');
    return graph.includes('MultiHeadAttention') ? 'MultiHeadAttention' : 'Attention';
  });
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
    expect(attentionOn(dtype, [capability])).toEqual([operator]);
  },
);

test.each([
  { capabilities: [9, 8.9], operator: 'Attention' },
  { capabilities: [8, 9], operator: 'Attention' },
  { capabilities: [9, 10], operator: 'MultiHeadAttention' },
  { capabilities: [undefined, 8.9], operator: 'Attention' },
])(
  'stages on GPUs of capability $capabilities all attend by the operator of the oldest',
  ({ capabilities, operator }) => {
    expect(attentionOn('BF16', capabilities)).toEqual([operator, operator]);
  },
);
