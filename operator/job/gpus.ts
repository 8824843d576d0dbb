import type { Container } from '../api/kubernetes.ts';
import type { VideoGenerationSpec } from '../api/video-generation.ts';

/** Extended resource under which nodes offer whole GPUs. All that a pod asks for lie on one node, as pods do. */
const GPU_RESOURCE = 'nvidia.com/gpu';

/** The runner's resources: what the spec says, and its GPUs. Nobody can ask for GPUs in two places that disagree. */
export function runnerResources(spec: VideoGenerationSpec): Container['resources'] {
  const gpus = { [GPU_RESOURCE]: String(spec.parallelism.gpus) };
  return {
    requests: { ...spec.runner.resources?.requests, ...gpus },
    limits: { ...spec.runner.resources?.limits, ...gpus },
  };
}
