import type { Job } from '../api/kubernetes.ts';
import { ANNOTATION_RUNNER } from '../api/labels.ts';
import { changedFields, type RunnerMarks, readMarks } from '../job/runner-marks.ts';

/** Fields of `spec.runner` that say otherwise than when a Job was made; undefined where the Job or a valid spec cannot tell. */
export function changesSince(job: Job, marks: RunnerMarks | undefined): readonly string[] | undefined {
  const made = readMarks(job.metadata.annotations?.[ANNOTATION_RUNNER]);
  return made === undefined || marks === undefined ? undefined : changedFields(made, marks);
}
