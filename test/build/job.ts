import type { Job } from '../../operator/api/kubernetes.ts';
import { ANNOTATION_GPUS } from '../../operator/api/labels.ts';
import { runnerJob } from '../../operator/job/build.ts';
import { UID, videoGenerationSpec } from './video-generation.ts';

type Modifier = (job: Job) => Job;

/** The Job of an attempt as the API server gives it: `job(1)` has the uid `job-1`. */
export function job(attempt: number, ...modifiers: readonly Modifier[]): Job {
  const resource = { namespace: 'films', name: 'lighthouse', uid: UID, generation: 1 };
  const built = runnerJob(
    { resource, spec: videoGenerationSpec(), attempt },
    { image: 'dualparal:test', imagePullPolicy: 'Never' },
  );
  const made: Job = {
    ...built,
    metadata: {
      ...built.metadata,
      uid: `job-${attempt}`,
      resourceVersion: String(100 + attempt),
      creationTimestamp: `2026-01-01T00:0${attempt}:00Z`,
    },
  };
  return modifiers.reduce((object, modify) => modify(object), made);
}

/** The Job asks for so many GPUs, which are not those that the spec wants. */
export const withGpus =
  (gpus: number): Modifier =>
  (object) => ({
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [ANNOTATION_GPUS]: String(gpus) } },
  });

export const withLabels =
  (labels: Readonly<Record<string, string>>): Modifier =>
  (object) => ({ ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } } });

/** The Job has ended. */
export const withEnd =
  (
    type: 'Complete' | 'Failed',
    reason = 'BackoffLimitExceeded',
    message = 'Job has reached the specified backoff limit',
  ): Modifier =>
  (object) => ({
    ...object,
    status: { conditions: [{ type, status: 'True', reason, message, lastTransitionTime: '2026-01-01T00:20:00Z' }] },
  });
