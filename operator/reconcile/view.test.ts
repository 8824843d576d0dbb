import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { observed } from '../../test/build/observed.ts';
import { ended, pod, running, succeededResult } from '../../test/build/pod.ts';
import { videoGeneration, withStatus } from '../../test/build/video-generation.ts';
import type { ObjectEvent, Pod } from '../api/kubernetes.ts';
import { LABEL_JOB_UID } from '../api/labels.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const withoutPod = decide(observed({ jobs: [job(1)] }), NOW).status;
const withPod = decide(observed({ jobs: [job(1)], pods: [pod(1, running)] }), NOW).status;
const done = ended(0, succeededResult);
/** Its owner was taken off; `jobUid` is what the Job controller wrote on it. */
const orphan = (object: Pod, jobUid?: string): Pod => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: [],
    labels: { ...object.metadata.labels, ...(jobUid === undefined ? {} : { [LABEL_JOB_UID]: jobUid }) },
  },
});

it.each<[string, typeof withPod, Pod, number]>([
  ['at work', withoutPod, orphan(pod(1, running)), 1],
  ['that has ended and was known before', withPod, orphan(pod(1, done)), 1],
  ['that has ended, of the Job that was written down', withoutPod, orphan(pod(1, done), 'job-1'), 1],
  ['that has ended, of a Job that is there', undefined, orphan(pod(1, done), 'job-1'), 1],
  ['that has ended, of another Job', withoutPod, orphan(pod(1, done), 'job-9'), 0],
  ['that has ended and says nothing of its Job', withoutPod, orphan(pod(1, done)), 0],
])('a pod without an owner, %s, counts or not', (_what, status, found, count) => {
  const { jobs } = observed({
    film: videoGeneration(withStatus(status)),
    jobs: status === undefined ? [job(1)] : [],
    pods: [found],
  });
  expect(jobs.flatMap(({ pods }) => pods)).toHaveLength(count);
});

it('a pod that has ended, and names a Job that nobody knows as its owner, does not count', () => {
  const { jobs } = observed({ jobs: [job(1)], pods: [pod(1, running), pod(7, done)] });
  expect(jobs.flatMap(({ pods }) => pods).map(({ uid }) => uid)).toEqual(['pod-1']);
});

describe('a status that somebody has taken the conditions of', () => {
  const conditionless = (status: typeof withPod) => {
    const { conditions: _taken, ...rest } = status!;
    return videoGeneration(withStatus(rest as never));
  };

  it('still counts', () => {
    const film = conditionless({ ...withPod!, failures: 2, disruptions: 1 });
    const { status } = decide(observed({ film, jobs: [job(1)], pods: [pod(1, running)] }), NOW);
    expect(status).toMatchObject({ phase: 'Running', failures: 2, disruptions: 1 });
    expect(status?.conditions.map(({ type }) => type)).toEqual(withPod?.conditions.map(({ type }) => type));
  });

  it('still holds the film: nothing is made, and it is said again that it is complete', () => {
    const complete = decide(observed({ jobs: [job(1)], pods: [pod(1, done)], live: true }), NOW).status!;
    const { verdict, status } = decide(observed({ film: conditionless(complete), live: true }), NOW + 3_600_000);
    const readyIn = (of: typeof status) => of?.conditions.filter(({ type }) => ['Ready', 'Complete'].includes(type));
    const lastTransitionTime = '2026-01-01T01:30:00Z';
    expect([verdict.outcome, status?.phase, status?.output]).toEqual(['settled', 'Succeeded', complete.output]);
    expect(readyIn(status)).toEqual(readyIn(complete)?.map((condition) => ({ ...condition, lastTransitionTime })));
  });
});

it.each([{}, { observedGeneration: -1 }])('a status that answers no generation is none: %j', (status) => {
  expect(observed({ film: videoGeneration(withStatus(status as never)) }).status).toBeUndefined();
});

const made = '2026-01-01T00:10:00Z';
it.each<[string, Partial<ObjectEvent>, string]>([
  ['a refusal of the next pod is told', { lastTimestamp: '2026-01-01T00:25:00Z' }, 'PodRefused'],
  ['and so is one of a newer kind of event', { eventTime: '2026-01-01T00:25:00.123456Z' }, 'PodRefused'],
  ['and the last one of a series', { series: { lastObservedTime: '2026-01-01T00:25:00.123456Z' } }, 'PodRefused'],
  ['a refusal from before the last pod is not told', { lastTimestamp: '2026-01-01T00:09:00Z' }, 'RunnerStopped'],
  ['nor one of the second in which it was made', { eventTime: '2026-01-01T00:10:00.9Z' }, 'RunnerStopped'],
])('%s, whatever the versions of events and pods are', (_what, times, reason) => {
  const reasons = ['12', '5000'].map((resourceVersion) => {
    const stopped = pod(1, ended(10), (object) => ({
      ...object,
      metadata: { ...object.metadata, creationTimestamp: made },
    }));
    const quota = {
      metadata: { name: 'e', namespace: 'films', resourceVersion, creationTimestamp: '2026-01-01T00:01:00Z' },
      involvedObject: { uid: 'job-1', name: 'lighthouse-3f2a9c1b-1' },
      reason: 'FailedCreate',
      message: 'exceeded quota: gpus',
      ...times,
    };
    return decide(observed({ jobs: [job(1)], pods: [stopped], events: [quota], frozen: ['job-1'] }), NOW).status
      ?.reason;
  });
  expect(reasons).toEqual([reason, reason]);
});
