import { GPU_RESOURCE } from '#contract/gpu-fields.ts';
import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import type { Container, PodSpec } from '../api/kubernetes.ts';

/** Name of the pod's claim to devices, within the pod. */
const CLAIM = 'gpus';

/**
 * The runner's resources: what the spec says, and its GPUs, all on one node. No spec names GPUs in two places. Where a claim brings
 * them, its template says how many.
 */
export function runnerResources({ parallelism, runner }: VideoGenerationSpec): Container['resources'] {
  const { resourceName = GPU_RESOURCE, resourceClaimTemplateName } = runner.devices ?? {};
  const byClaim = resourceClaimTemplateName !== undefined;
  const gpus = byClaim ? {} : { [resourceName]: String(parallelism.gpus) };
  return {
    requests: { ...runner.resources?.requests, ...gpus },
    limits: { ...runner.resources?.limits, ...gpus },
    ...(byClaim ? { claims: [{ name: CLAIM }] } : {}),
  };
}

/** The claim that the pod's GPUs come from; none where nodes offer them as a resource. */
export function resourceClaims({ devices }: VideoGenerationSpec['runner']): PodSpec['resourceClaims'] {
  const { resourceClaimTemplateName } = devices ?? {};
  return resourceClaimTemplateName === undefined ? undefined : [{ name: CLAIM, resourceClaimTemplateName }];
}
