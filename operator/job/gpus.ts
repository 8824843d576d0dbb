import { GPU_RESOURCE, type VideoGenerationSpec } from '#contract/resource-spec.ts';
import type { Container } from '../api/kubernetes.ts';

/** The runner's resources: what the spec says, and its GPUs, all on one node. No spec names GPUs in two places. */
export function runnerResources(spec: VideoGenerationSpec): Container['resources'] {
  const gpus = { [GPU_RESOURCE]: String(spec.parallelism.gpus) };
  return {
    requests: { ...spec.runner.resources?.requests, ...gpus },
    limits: { ...spec.runner.resources?.limits, ...gpus },
  };
}
