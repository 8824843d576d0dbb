import { expect, test } from 'vitest';
import type { RunnerFields } from '#contract/runner-fields.ts';
import { runnerJob } from '../../../operator/job/build.ts';
import { job, withEnd } from '../../../test/build/job.ts';
import { type Cluster, observed } from '../../../test/build/observed.ts';
import { ended, onNode, pod, running } from '../../../test/build/pod.ts';
import { videoGeneration, videoGenerationSpec, withSpec, withStatus } from '../../../test/build/video-generation.ts';
import type { Job } from '../../api/kubernetes.ts';
import { decide } from '../decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const MADE: RunnerFields = { image: 'a', nodeSelector: { pool: 'gpu' } };

/** The Job as it is made from this `spec.runner`. */
const madeFrom =
  (runner: RunnerFields) =>
  (object: Job): Job => {
    const resource = { namespace: 'films', name: 'lighthouse', uid: 'u', generation: 1 };
    const made = runnerJob(
      { resource, spec: videoGenerationSpec({ runner }), attempt: 1 },
      { image: 'x', imagePullPolicy: 'Never' },
    );
    return { ...object, metadata: { ...object.metadata, annotations: made.metadata.annotations ?? {} } };
  };
/** As an operator of before made it. */
const unmarked = (object: Job): Job => ({
  ...object,
  metadata: { ...object.metadata, annotations: { 'dualparal.io/generation': '1' } },
});

const film = (runner: RunnerFields) => videoGeneration(withSpec({ runner }));
const works = (runner: RunnerFields, made: (object: Job) => Job = madeFrom(MADE)): Cluster => ({
  film: film(runner),
  jobs: [job(1, made)],
  pods: [pod(1, onNode(), running)],
  frozen: ['job-1'],
});
const over = (runner: RunnerFields): Cluster => ({
  film: film(runner),
  jobs: [job(1, madeFrom(MADE), withEnd('Failed', 'PodFailurePolicy'))],
  pods: [pod(1, ended(40))],
});
const next = (runner: RunnerFields): Cluster => ({
  film: film(runner),
  jobs: [job(1, madeFrom(MADE), withEnd('Failed')), job(2, madeFrom(runner))],
  pods: [pod(1, ended(1)), pod(2, onNode(), running)],
  frozen: ['job-1', 'job-2'],
});

/** Status, reason and message of the condition after one round after another. */
function appliedAfter(...rounds: readonly Cluster[]) {
  let status = videoGeneration().status;
  for (const round of rounds) {
    const resource = withStatus(status)(round.film ?? videoGeneration());
    status = decide(observed({ ...round, film: resource }), NOW).status ?? status;
  }
  const found = status?.conditions.find(({ type }) => type === 'SpecApplied');
  return found && [found.status, found.reason, found.message.split(' changed ')[0]];
}

const EDITED: RunnerFields = { image: 'b', nodeSelector: { pool: 'gpu' }, priorityClassName: 'high' };
const FIELDS = 'spec.runner.image, spec.runner.priorityClassName';

test.each<[string, readonly Cluster[], readonly string[] | undefined]>([
  ['of a spec that nobody edits nothing is said', [works(MADE), works(MADE)], undefined],
  [
    'fields that were edited while a Job is at work are named',
    [works(MADE), works(EDITED)],
    ['False', 'SpecNotApplied', FIELDS],
  ],
  ['of a Job that an earlier operator made nothing is known', [works(EDITED, unmarked)], undefined],
  ['an edit that is taken back is none', [works(EDITED), works(MADE)], ['True', 'SpecIsApplied', expect.any(String)]],
  ['the next attempt takes the edit', [works(EDITED), next(EDITED)], ['True', 'SpecIsApplied', expect.any(String)]],
  [
    'an edit that no attempt took is said to have come too late',
    [works(EDITED), over(EDITED)],
    ['False', 'SpecCameTooLate', expect.any(String)],
  ],
  ['a film that is over without an edit says nothing of it', [works(MADE), over(MADE)], undefined],
])('%s', (_what, rounds, expected) => {
  expect(appliedAfter(...rounds)).toEqual(expected);
});
