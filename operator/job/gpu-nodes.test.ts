import { describe, expect, it } from 'vitest';
import type { RunnerFields } from '#contract/runner-fields.ts';
import { affinityOf } from './gpu-nodes.ts';

const product = (...values: string[]) => ({ key: 'nvidia.com/gpu.product', operator: 'In' as const, values });
const above = (mebibytes: string) => ({ key: 'nvidia.com/gpu.memory', operator: 'Gt' as const, values: [mebibytes] });
const zone = (name: string) => ({ key: 'zone', operator: 'In' as const, values: [name] });
const required = (...nodeSelectorTerms: object[]) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
});
const near = {
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }] },
};
const preferred = [{ weight: 1, preference: { matchExpressions: [zone('a')] } }];

describe('affinityOf', () => {
  it.each<[string, RunnerFields, object | undefined]>([
    ['nothing where nothing is said', {}, undefined],
    ['nothing where nothing is said of GPUs', { gpu: {} }, undefined],
    ['the affinity of the film alone', { affinity: near }, near],
    ['products', { gpu: { products: ['A', 'B'] } }, required({ matchExpressions: [product('A', 'B')] })],
    [
      'memory, of which 40 GiB are enough',
      { gpu: { minMemory: '40Gi' } },
      required({ matchExpressions: [above('40959')] }),
    ],
    [
      'memory in powers of a thousand, rounded up',
      { gpu: { minMemory: '80G' } },
      required({ matchExpressions: [above('76293')] }),
    ],
    ['memory in MiB', { gpu: { minMemory: '81559Mi' } }, required({ matchExpressions: [above('81558')] })],
    [
      'both beside what the film says of pods and of what it had rather',
      {
        gpu: { products: ['A'], minMemory: '1Ti' },
        affinity: { ...near, nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } },
      },
      {
        ...near,
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: preferred,
          ...required({ matchExpressions: [product('A'), above('1048575')] }).nodeAffinity,
        },
      },
    ],
    [
      'both in each alternative of the film, but for one that fits no node',
      {
        gpu: { products: ['A'] },
        affinity: required(
          { matchExpressions: [zone('a')] },
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] },
          {},
        ),
      } as RunnerFields,
      required(
        { matchExpressions: [zone('a'), product('A')] },
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }], matchExpressions: [product('A')] },
        {},
      ),
    ],
  ])('gives %s', (_what, runner, expected) => {
    expect(affinityOf(runner)).toEqual(expected);
  });
});
