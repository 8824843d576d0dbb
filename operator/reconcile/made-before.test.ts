import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import {
  ended,
  pod,
  running,
  succeededResult,
  withCondition,
  withStatus as withPodStatus,
} from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Pod } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';

const at = (minute: number) => Date.parse('2026-01-01T00:00:00Z') + minute * 60_000;
const target = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'TerminationByKubelet',
  message: 'evicted',
} as const;
const next =
  (minute: number) =>
  (object: Pod): Pod => ({
    ...object,
    metadata: {
      ...object.metadata,
      ...{ uid: 'pod-1b', name: 'lighthouse-3f2a9c1b-1-fghij', resourceVersion: '300' },
      creationTimestamp: `2026-01-01T00:${minute}:00Z`,
    },
  });
/** Through with the film, and evicted before the Job had counted it. */
const evicted = pod(1, ended(0, succeededResult), withPodStatus({ phase: 'Failed' }), withCondition(target));
const killed = pod(1, ended(137, succeededResult), withCondition(target));
const spec = { deadlines: { start: '5m', lostNode: '2m' }, retries: { failures: 0, disruptions: 0 } };

function decided(minute: number, cluster: Cluster, status?: VideoGenerationStatus) {
  const film = videoGeneration(withSpec(spec), withStatus(status));
  return decide(observed({ live: true, frozen: ['job-1'], jobs: [job(1)], film, ...cluster }), at(minute));
}

describe('a film that a pod had made when its Job made another pod', () => {
  it.each([
    ['that waits', pod(1, next(16))],
    ['at work', pod(1, running, next(16))],
    ['that was taken away', pod(1, ended(143), withCondition(target), next(16))],
  ])('is ready, also beside a pod %s; the Job goes once that is written down', (_what, other) => {
    const first = decided(30, { pods: [evicted, other] });
    expect({ outcome: first.verdict.outcome, actions: first.actions }).toEqual({ outcome: 'complete', actions: [] });
    const { verdict, actions } = decided(31, { pods: [evicted, other] }, first.status);
    expect([verdict.outcome, actions.map(({ type }) => type)]).toEqual(['settled', ['delete-job']]);
  });

  it('is none of a pod that came into being beside the one at work', () => {
    const forged = pod(1, ended(0, succeededResult), next(16));
    expect(decided(30, { pods: [pod(1, running), forged] }).verdict.outcome).toBe('live');
  });

  it('does not keep deadlines from the pod that follows, where its runner was killed', () => {
    const waits = pod(1, next(16));
    const { status } = decided(17, { pods: [killed, waits] });
    expect(decided(300, { pods: [killed, waits] }, status).verdict.outcome).not.toBe('live');
  });
});

it('a film in a pod that nobody hears of any more is written down before the pod is deleted by force', () => {
  const object = pod(1, ended(0, succeededResult), withPodStatus({ phase: 'Running' }));
  const lost = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:16:00Z' } };
  expect(decided(17, { pods: [lost] })).toMatchObject({ verdict: { outcome: 'live' }, actions: [] });
  const first = decided(30, { pods: [lost] });
  expect(first).toMatchObject({ verdict: { outcome: 'complete' }, actions: [], status: { phase: 'Succeeded' } });
  const { actions } = decided(31, { pods: [lost] }, first.status);
  expect(actions.map(({ type }) => type)).toContain('delete-pod');
});
