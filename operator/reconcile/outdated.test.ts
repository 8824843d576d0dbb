import { describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { ended, pod, running, succeededResult } from '../../test/build/pod.ts';
import { videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import { ANNOTATION_SPEC_HASH, LABEL_JOB_UID } from '../api/labels.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const frozen = ['job-1', 'job-2'];
const annotated =
  (specHash: string) =>
  <T extends Job | Pod>(object: T): T => ({
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [ANNOTATION_SPEC_HASH]: specHash } },
  });
const rewritten = videoGeneration(withSpec({ prompt: 'something else' }), withMetadata({ generation: 2 }));
const specHash = observed({ film: rewritten }).specHash ?? '';
const done = ended(0, succeededResult);
const fromFirst = annotated('first');

const decided = (cluster: Cluster) => {
  const { verdict, status, actions } = decide(observed({ live: true, frozen, ...cluster }), NOW);
  return {
    outcome: verdict.outcome,
    reason: status?.reason,
    actions: actions.map((action) =>
      'name' in action ? `${action.type} ${action.name}` : `${action.type} ${(action as { attempt: number }).attempt}`,
    ),
    attempts: status?.attempts?.length ?? 0,
  };
};
const held = { outcome: 'held', reason: 'JobOutdated', attempts: 0 };
const start = { outcome: 'start', reason: 'WaitingForPod', attempts: 0 };

describe('of a film whose status was taken away and whose prompt was changed, the Job of the first prompt', () => {
  it.each<[string, Cluster, object]>([
    [
      'goes, and holds its GPUs until then',
      { jobs: [job(1, fromFirst)], pods: [pod(1, running, fromFirst)] },
      { ...held, actions: ['delete-job lighthouse-3f2a9c1b-1'] },
    ],
    [
      'goes, also without a pod',
      { jobs: [job(1, fromFirst)] },
      { ...held, actions: ['delete-job lighthouse-3f2a9c1b-1'] },
    ],
    [
      'is not asked to go twice',
      { jobs: [job(1, fromFirst, withMetadata({ deletionTimestamp: '2026-01-01T00:20:00Z' }) as never)] },
      { ...held, actions: [] },
    ],
    [
      'is waited for while a pod of it is left',
      { jobs: [], pods: [pod(1, running, fromFirst)] },
      { ...held, actions: [] },
    ],
    [
      'has made a film that is none of this one',
      { jobs: [job(1, fromFirst, withEnd('Complete'))], pods: [pod(1, done, fromFirst)] },
      { ...start, actions: ['create-job 2'] },
    ],
    [
      'has failed for good, which says nothing of this one',
      { jobs: [job(1, fromFirst, withEnd('Failed', 'PodFailurePolicy'))], pods: [pod(1, ended(20), fromFirst)] },
      { ...start, actions: ['create-job 2'] },
    ],
  ])('%s', (_what, cluster, expected) => {
    expect(decided({ film: rewritten, ...cluster })).toEqual(expected);
  });
});

it('a Job of the same film goes on when the status is taken away, whatever else of the spec has changed', () => {
  const same = annotated(specHash);
  const more = videoGeneration(
    withSpec({ prompt: 'something else', retries: { failures: 7, disruptions: 7 } }),
    withMetadata({ generation: 3 }),
  );
  const cluster = { film: more, jobs: [job(1, same)], pods: [pod(1, running, same)] };
  expect(decided(cluster)).toMatchObject({ outcome: 'live', actions: [] });
});

it('what was claimed holds, also if a newer operator puts the same spec into other words', () => {
  const claim = { attempt: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, specHash: 'first', jobUid: 'job-1' };
  const before = decide(observed({ frozen, jobs: [job(1)], pods: [pod(1, running)] }), NOW).status;
  const film = videoGeneration(withStatus(before === undefined ? undefined : { ...before, claim }));
  const cluster = { film, jobs: [job(1, fromFirst)], pods: [pod(1, running, fromFirst)] };
  expect(decided(cluster)).toMatchObject({ outcome: 'live', actions: [] });
  expect(decided({ ...cluster, pods: [pod(1, done, fromFirst)] })).toMatchObject({ outcome: 'complete' });
  const second = decide(
    observed({ live: true, film, jobs: [job(1, fromFirst, withEnd('Failed'))], pods: [pod(1, ended(1))] }),
    NOW + 60_000,
  );
  expect([second.verdict.outcome, second.status?.claim?.specHash]).toEqual(['start', 'first']);
});

it('a finished pod that has lost its owner says nothing while its Job has another pod at work', () => {
  const orphan = pod(1, done, (object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      ownerReferences: [],
      labels: { ...object.metadata.labels, [LABEL_JOB_UID]: 'job-1' },
    },
  }));
  const next = pod(1, running, (object) => ({ ...object, metadata: { ...object.metadata, uid: 'pod-1b', name: 'x' } }));
  expect(decided({ jobs: [job(1)], pods: [orphan, next] })).toMatchObject({ outcome: 'live', actions: [] });
});

describe('another film is told by', () => {
  const first = observed({}).specHash;
  it.each<[string, Parameters<typeof withSpec>[0]]>([
    ['the claim of its model', { model: { ref: 'm', source: { persistentVolumeClaim: { claimName: 'other' } } } }],
    ['the image of its model', { model: { ref: 'm', source: { image: { reference: 'registry.test/other:1' } } } }],
    ['the folder of its model', { model: { ref: 'm', source: { hostPath: { path: '/other' } } } }],
    ['the claim of its output', { output: { persistentVolumeClaim: { claimName: 'other-films' } } }],
    ['its seed', { seed: 99 }],
  ])('%s', (_what, changed) => {
    const { specHash, problems } = observed({ film: videoGeneration(withSpec(changed)) });
    expect(problems).toEqual([]);
    expect(specHash).not.toBe(first);
  });
});

it('a claim holds only as long as the start does that fixes the spec', () => {
  const claim = { attempt: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, specHash: 'first', jobUid: 'job-1' };
  const before = decide(observed({ frozen, jobs: [job(1)], pods: [pod(1, running)] }), NOW).status;
  if (before === undefined) throw new Error('no status');
  const { startTime: _taken, ...rest } = before;
  const film = videoGeneration(withSpec({ prompt: 'something else' }), withStatus({ ...rest, claim }));
  expect(decided({ film, jobs: [job(1, fromFirst)], pods: [pod(1, running, fromFirst)] })).toMatchObject({
    outcome: 'held',
    reason: 'JobOutdated',
    actions: ['delete-job lighthouse-3f2a9c1b-1'],
  });
  const gone = decide(observed({ live: true, film, jobs: [], pods: [] }), NOW + 60_000);
  const waited = videoGeneration(withSpec({ prompt: 'something else' }), withStatus(gone.status));
  const next = decide(observed({ live: true, film: waited, jobs: [], pods: [] }), NOW + 80_000);
  expect([gone.verdict.outcome, next.verdict.outcome]).toEqual(['later', 'start']);
  expect(next.status?.claim?.specHash).toBe(observed({ film }).specHash);
});

it('a pod without its Job holds the spec fast, too, and is no attempt as long as only it tells of that Job', () => {
  const { status } = decide(observed({ live: true, jobs: [], pods: [pod(1, running)] }), NOW);
  expect([status?.attempts?.length, status?.startTime]).toEqual([undefined, pod(1).metadata.creationTimestamp]);
});
