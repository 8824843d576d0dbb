import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import { controllerReference, type NewJob } from '../api/kubernetes.ts';
import {
  ANNOTATION_FROZEN,
  ANNOTATION_GENERATION,
  ANNOTATION_GPUS,
  ANNOTATION_RUNNER,
  ANNOTATION_SPEC_HASH,
  API_VERSION,
  childLabels,
  KIND,
} from '../api/labels.ts';
import { podFailureRules } from './failure-policy.ts';
import { frozenName, jobName, type ResourceName } from './names.ts';
import { type RunnerSettings, runnerPod } from './pod.ts';
import { type QueuePlace, queueLabels } from './queue.ts';
import { withRunnerDefaults } from './runner-defaults.ts';
import { marksText, runnerMarks } from './runner-marks.ts';

/** One try to make a resource's film. */
export interface AttemptOf {
  readonly resource: ResourceName & { readonly generation: number };
  readonly spec: VideoGenerationSpec;
  /** Number of the Job: 1, 2, … */
  readonly attempt: number;
  /** Hash of what the film is made from, for the Job to carry. */
  readonly specHash?: string;
  /** GPUs that it takes; those that the spec wants, if nothing else is said. */
  readonly gpus?: number;
  /** Queue that says when the Job may run. */
  readonly queue?: QueuePlace;
}

/** The spec with as many GPUs as the attempt takes. */
export function sizedSpec({ spec, gpus = spec.parallelism.gpus }: AttemptOf): VideoGenerationSpec {
  return { ...spec, parallelism: { ...spec.parallelism, gpus } };
}

/** The Job of an attempt: one pod at a time, never restarted in place, no second one before the first has ended. */
export function runnerJob(of: AttemptOf, settings: RunnerSettings): NewJob {
  const { resource, attempt, specHash, queue } = of;
  const spec = { ...sizedSpec(of), runner: withRunnerDefaults(of.spec.runner, settings.defaults ?? {}) };
  const name = jobName(resource, attempt);
  const labels = childLabels(resource.name, attempt);
  const map = frozenName(name, specHash);
  const made = {
    ...(specHash === undefined ? {} : { [ANNOTATION_SPEC_HASH]: specHash }),
    ...(of.gpus === undefined ? {} : { [ANNOTATION_GPUS]: String(of.gpus) }),
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: resource.namespace,
      labels: { ...labels, ...queueLabels(queue) },
      annotations: {
        [ANNOTATION_GENERATION]: String(resource.generation),
        // The film's own, without the administrators' defaults: an edit of the film is told, not another setting of the operator.
        [ANNOTATION_FROZEN]: map,
        [ANNOTATION_RUNNER]: marksText(runnerMarks(of.spec.runner)),
        ...made,
      },
      ownerReferences: [
        controllerReference({ apiVersion: API_VERSION, kind: KIND, name: resource.name, uid: resource.uid }),
      ],
    },
    spec: {
      // Nothing of it starts before the queue says so, also where Kueue looks at it late.
      ...(queue === undefined ? {} : { suspend: true }),
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: { rules: podFailureRules() },
      template: {
        // Ours last: the schema refuses these keys, but an older one did not.
        metadata: {
          labels: { ...spec.runner.podLabels, ...labels },
          annotations: { ...spec.runner.podAnnotations, ...made },
        },
        spec: runnerPod(spec, map, settings),
      },
    },
  };
}
