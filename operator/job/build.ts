import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import { controllerReference, type Job } from '../api/kubernetes.ts';
import { ANNOTATION_GENERATION, API_VERSION, childLabels, KIND } from '../api/labels.ts';
import { podFailureRules } from './failure-policy.ts';
import { jobName, type ResourceName } from './names.ts';
import { type RunnerSettings, runnerPod } from './pod.ts';

/** One try to make a resource's film. */
export interface AttemptOf {
  readonly resource: ResourceName & { readonly generation: number };
  readonly spec: VideoGenerationSpec;
  /** Number of the Job: 1, 2, … */
  readonly attempt: number;
}

/** The Job of an attempt: one pod at a time, never restarted in place, no second one before the first has ended. */
export function runnerJob(of: AttemptOf, settings: RunnerSettings): Job {
  const { resource, spec, attempt } = of;
  const name = jobName(resource, attempt);
  const labels = childLabels(resource.name, attempt);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: resource.namespace,
      labels,
      annotations: { [ANNOTATION_GENERATION]: String(resource.generation) },
      ownerReferences: [
        controllerReference({ apiVersion: API_VERSION, kind: KIND, name: resource.name, uid: resource.uid }),
      ],
    },
    spec: {
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: { rules: podFailureRules() },
      template: { metadata: { labels }, spec: runnerPod(spec, name, settings) },
    },
  };
}
