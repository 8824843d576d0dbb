import { expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { ended, pod } from '../../test/build/pod.ts';
import { UID } from '../../test/build/video-generation.ts';
import type { Pod } from '../api/kubernetes.ts';
import { LABEL_JOB_UID } from '../api/labels.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { straysOf } from './strays.ts';

const resource = { namespace: 'films', name: 'lighthouse', uid: UID };
const status = {
  claim: { attempt: 2, job: 'lighthouse-3f2a9c1b-2', generation: 1, specHash: '', jobUid: 'job-2' },
  attempts: [{ number: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, podUid: 'pod-1', outcome: 'Disrupted' }],
  earlierAttempts: { count: 1, number: 1, pods: ['-counted'] },
} as unknown as VideoGenerationStatus;

/** A pod that has ended and has no owner, with an identity and the label of a Job. */
function left(uid: string, jobUid?: string): Pod {
  const made = pod(1, ended(0));
  const labels = { ...made.metadata.labels, ...(jobUid === undefined ? {} : { [LABEL_JOB_UID]: jobUid }) };
  return { ...made, metadata: { ...made.metadata, uid, labels, ownerReferences: [] } };
}

it.each<[string, Pod, boolean]>([
  ['of the Job that was claimed last goes', left('unseen', 'job-2'), true],
  ['that is recorded as an attempt goes', left('pod-1', 'job-1'), true],
  ['that is recorded goes, also where its label was taken off', left('pod-1'), true],
  ['whose attempt is only counted goes', left('long-ago-counted', 'job-0'), true],
  ['of a Job that is there goes with that', left('pod-1', 'job-3'), false],
  ['without the label of a Job is not of the film', left('of-somebody'), false],
  ['that names a Job that the film never had is not of the film', left('of-somebody', 'another'), false],
])('a pod that has ended without an owner, %s', (_what, found, isStray) => {
  const there = job(3);
  expect(straysOf(resource, [found], [there], status).map(({ uid }) => uid)).toEqual(
    isStray ? [found.metadata.uid] : [],
  );
});

it('is nothing of a film whose status is gone: its labels alone prove nothing', () => {
  expect(straysOf(resource, [left('pod-1', 'job-1'), left('pod-1')], [], undefined)).toEqual([]);
});
