import { describe, expect, it } from 'vitest';
import type { RunnerFields } from '#contract/runner-fields.ts';
import { withRunnerDefaults } from './runner-defaults.ts';

const gpuTaint = { key: 'nvidia.com/gpu', operator: 'Exists' } as const;
const spread = (topologyKey: string, maxSkew: number) =>
  ({ topologyKey, maxSkew, whenUnsatisfiable: 'DoNotSchedule' }) as const;
const spot = { key: 'spot', operator: 'Exists' } as const;

describe('withRunnerDefaults', () => {
  it.each<[string, RunnerFields, RunnerFields, RunnerFields]>([
    ['nothing of nothing', {}, {}, {}],
    [
      'the defaults of a film that says nothing',
      { image: 'a', tolerations: [spot] },
      {},
      { image: 'a', tolerations: [spot] },
    ],
    [
      'the film where there are no defaults',
      {},
      { image: 'a', nodeSelector: { a: '1' } },
      { image: 'a', nodeSelector: { a: '1' } },
    ],
    [
      'single values of the film before those of the defaults',
      { image: 'a', priorityClassName: 'low', serviceAccountName: 'films' },
      { image: 'b', priorityClassName: 'high' },
      { image: 'b', priorityClassName: 'high', serviceAccountName: 'films' },
    ],
    [
      'labels of nodes by their keys',
      { nodeSelector: { pool: 'gpu', zone: 'a' } },
      { nodeSelector: { zone: 'b', disk: 'ssd' } },
      { nodeSelector: { pool: 'gpu', zone: 'b', disk: 'ssd' } },
    ],
    [
      'requests and limits by their keys, each on its own',
      { resources: { requests: { cpu: '4', memory: '8Gi' }, limits: { memory: '16Gi' } } },
      { resources: { requests: { memory: '12Gi' } } },
      { resources: { requests: { cpu: '4', memory: '12Gi' }, limits: { memory: '16Gi' } } },
    ],
    [
      'labels, annotations and what GPUs must be by their keys',
      { podLabels: { team: 'a' }, podAnnotations: { a: '1', b: '1' }, gpu: { products: ['A'], minMemory: '40Gi' } },
      { podLabels: { cost: 'b' }, podAnnotations: { b: '2' }, gpu: { minMemory: '79Gi' } },
      {
        podLabels: { team: 'a', cost: 'b' },
        podAnnotations: { a: '1', b: '2' },
        gpu: { products: ['A'], minMemory: '79Gi' },
      },
    ],
    [
      'affinity and devices of the film in place of the others',
      { affinity: { podAffinity: {} }, devices: { resourceName: 'nvidia.com/gpu.shared' }, runtimeClassName: 'nvidia' },
      { affinity: { nodeAffinity: {} }, devices: { resourceClaimTemplateName: 'gpus' } },
      { affinity: { nodeAffinity: {} }, devices: { resourceClaimTemplateName: 'gpus' }, runtimeClassName: 'nvidia' },
    ],
    [
      'how pods are spread, of two for one place that of the film',
      { topologySpreadConstraints: [spread('zone', 1), spread('host', 1)] },
      { topologySpreadConstraints: [spread('zone', 3)] },
      { topologySpreadConstraints: [spread('zone', 3), spread('host', 1)] },
    ],
    [
      'lists one behind the other, and nothing twice',
      { tolerations: [gpuTaint], imagePullSecrets: [{ name: 'all' }] },
      { tolerations: [spot, gpuTaint], imagePullSecrets: [{ name: 'mine' }, { name: 'all' }] },
      { tolerations: [gpuTaint, spot], imagePullSecrets: [{ name: 'all' }, { name: 'mine' }] },
    ],
    [
      'an empty map of the film as one that adds nothing',
      { nodeSelector: { a: '1' } },
      { nodeSelector: {} },
      { nodeSelector: { a: '1' } },
    ],
  ])('gives %s', (_what, defaults, film, expected) => {
    expect(withRunnerDefaults(film, defaults)).toEqual(expected);
  });
});
