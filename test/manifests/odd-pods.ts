import { film } from './film.ts';

const pods = (texts: readonly string[]): readonly (readonly [string, string])[] =>
  texts.map((text) => [`runner: ${text}`, film({ runner: text })] as const);

const many = (count: number) => Array.from({ length: count }, (_, i) => `k${i}: "1"`).join(', ');

/** The pod of a film described in odd ways: its keys, its GPUs and its place. */
export const ODD_PODS: readonly (readonly [string, string])[] = [
  ...pods([
    '{ resources: { limits: { nvidia.com/mig-3g.40gb: 1 } } }',
    '{ resources: { limits: { nvidia.com/gpu.shared: 1 } } }',
    '{ resources: { limits: { nvidia.com/gpus: 1 } } }',
    `{ resources: { limits: { ${many(64)} } } }`,
    `{ resources: { limits: { ${many(65)} } } }`,
  ]),
  ...pods([
    '{ podLabels: { team: films, empty: "" }, podAnnotations: { "sidecar.istio.io/inject": "false" } }',
    '{ podLabels: { team: "two words" } }',
    '{ podLabels: { team: 7 } }',
    '{ podLabels: { "dualparal.io/attempt": "2" } }',
    '{ podLabels: { app.kubernetes.io/name: x } }',
    '{ podLabels: { kueue.x-k8s.io/queue-name: x } }',
    '{ podAnnotations: { batch.kubernetes.io/job-index: x } }',
    '{ podAnnotations: { job-name: x } }',
    '{ podAnnotations: { kueue.x-k8s.io/queue-name: x } }',
    '{ podAnnotations: { kueue.x-k8s.io/podset-required-topology: rack } }',
    '{ podAnnotations: { app.kubernetes.io/name: x } }',
    `{ podLabels: { ${many(65)} } }`,
  ]),
  ...pods([
    '{ devices: {} }',
    '{ devices: { resourceName: nvidia.com/gpu.shared } }',
    '{ devices: { resourceName: gpu } }',
    '{ devices: { resourceClaimTemplateName: gpus } }',
    '{ devices: { resourceClaimTemplateName: gpus, resourceName: nvidia.com/gpu } }',
    '{ devices: { resourceName: example.com/card }, resources: { limits: { example.com/card: 1 } } }',
    '{ devices: { resourceName: example.com/card }, resources: { requests: { example.com/card: 1 } } }',
    '{ devices: { resourceName: example.com/card }, resources: { requests: { cpu: 1 } } }',
    '{ devices: { resourceClaimTemplateName: gpus }, resources: { limits: { cpu: 1 } } }',
  ]),
  ...pods([
    '{ gpu: { products: [NVIDIA-H100-80GB-HBM3], minMemory: 79Gi } }',
    '{ gpu: { products: [] } }',
    '{ gpu: { minMemory: 40 } }',
    '{ gpu: { minMemory: 40GB } }',
    '{ gpu: { minMemory: 0Gi } }',
    '{ gpu: { minMemory: 1.5Gi } }',
    '{ gpu: {} }',
  ]),
  ...pods([
    '{ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: a, operator: In, values: [b] }] }] } } } }',
    '{ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }',
    '{ affinity: { nodeAffinity: { required: {} } } }',
    '{ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: zone, labelSelector: { matchLabels: { a: b } } }] } } }',
    '{ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] } } }',
    '{ affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, podAffinityTerm: { topologyKey: zone } }] } } }',
  ]),
  ...pods([
    '{ topologySpreadConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule }] }',
    '{ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: zone, whenUnsatisfiable: DoNotSchedule }] }',
    '{ topologySpreadConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: Never }] }',
  ]),
];
