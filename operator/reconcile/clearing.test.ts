import { describe, expect, test } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { ended, orphaned, pod, running, succeededResult, withStatus as withPodStatus } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Pod } from '../api/kubernetes.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';

const END = Date.parse('2026-01-01T00:15:00Z');
const jobs = [job(1, withEnd('Complete'))];
const pods = [pod(1, ended(0, succeededResult))];
const frozen = ['job-1'];
const day = 86_400_000;
const jobGoes = { type: 'delete-job', name: 'lighthouse-3f2a9c1b-1', uid: 'job-1', version: '101' };

test.each<[string, number, Readonly<Record<string, string>>, readonly object[]]>([
  ['Jobs and their logs are kept for a week', 7 * day - 1, {}, []],
  ['and then go', 7 * day, {}, [jobGoes]],
  ['or as the spec says', 60_000, { jobTtlAfterFinished: '1m' }, [jobGoes]],
  ['the resource stays', 99 * day, { jobTtlAfterFinished: '1000d' }, []],
  ['unless its time is over', 60_000, { ttlAfterFinished: '1m' }, [{ type: 'delete-film' }]],
  ['at once, if it says so', 0, { ttlAfterFinished: '0s' }, [{ type: 'delete-film' }]],
])('of a film that is over: %s', (_what, laterMs, spec, expected) => {
  const film = videoGeneration(withSpec(spec));
  const { status } = settle(decide(observed({ film, jobs, pods, frozen, live: true }), END), []);
  expect(status).toMatchObject({ phase: 'Succeeded', completionTime: '2026-01-01T00:15:00Z' });
  const later = decide(observed({ film: withStatus(status)(film), jobs, pods, frozen, live: true }), END + laterMs);
  expect(later.actions).toEqual(expected);
});

describe('a pod whose Job was deleted without it', () => {
  const goes = { type: 'delete-pod', name: 'lighthouse-3f2a9c1b-1-abcde', uid: 'pod-1', version: '201', force: false };
  const over = settle(decide(observed({ jobs, pods, frozen, live: true }), END), []).status;
  const seen = (laterMs: number, spec: object, found: Pod, others: Partial<Cluster> = {}) => {
    const film = withStatus(over)(videoGeneration(withSpec({ ...spec })));
    return decide(observed({ film, pods: [found], live: true, ...others }), END + laterMs);
  };

  test.each<[string, ReturnType<typeof seen>, readonly object[]]>([
    ['stays as long as a Job would', seen(7 * day - 1, {}, orphaned(pods[0]!)), []],
    ['and then goes', seen(7 * day, {}, orphaned(pods[0]!)), [goes]],
    [
      'before the resource does: nobody would look after it',
      seen(60_000, { ttlAfterFinished: '1m' }, orphaned(pods[0]!)),
      [goes, { type: 'delete-film' }],
    ],
    ['goes at once if it still runs: no GPU is held after the end', seen(0, {}, orphaned(pod(1, running))), [goes]],
    ['not with its owner: it goes after that', seen(7 * day, {}, pods[0]!), []],
    ['not while its Job is there, which goes', seen(7 * day, {}, orphaned(pods[0]!), { jobs }), [jobGoes]],
  ])('%s', (_what, { actions }, expected) => {
    expect(actions).toEqual(expected);
  });

  test('is waited for', () => {
    expect(seen(7 * day - 60_000, {}, orphaned(pods[0]!)).requeueAfterMs).toBe(60_000);
  });
});

test('a film that is over looks for a Job that the caches have lost sight of, as long as its pod goes on', () => {
  const made = pod(1, ended(0, succeededResult), withPodStatus({ phase: 'Running' }));
  const [runner] = made.status!.containerStatuses!;
  const lingers = withPodStatus({ containerStatuses: [runner!, { name: 'mesh', state: { running: {} } }] })(made);
  const open = { jobs: [job(1)], pods: [lingers], frozen };
  const { status } = settle(decide(observed({ ...open, live: true }), END), []);
  const film = withStatus(status)(videoGeneration());
  expect(status).toMatchObject({ phase: 'Succeeded' });
  expect(decide(observed({ film, pods: [lingers] }), END).read).toBe(true);
  expect(decide(observed({ film, ...open, live: true }), END).actions).toEqual([jobGoes]);
});
