import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { sourcesOf } from '../../test/build/observed.ts';
import {
  ended,
  outlived,
  pod,
  running,
  succeededResult,
  withCondition,
  withStatus as withPodStatus,
} from '../../test/build/pod.ts';
import { videoGeneration } from '../../test/build/video-generation.ts';
import type { Pod } from '../api/kubernetes.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiError } from '../kube/failure.ts';
import { observe } from './observe.ts';
import { hasFilm, isAlive } from './observed.ts';
import { read } from './read.ts';

/** What is there is the film and its Job; the pods are only what the caches remember. Each answer takes a second. */
async function reading(remembered: Pod) {
  const film = videoGeneration();
  const answers: Readonly<Record<string, unknown>> = {
    [`/videogenerations/${film.metadata.name}`]: film,
    '/jobs': { items: [job(1)] },
    [`/jobs/${job(1).metadata.name}`]: job(1),
    '/pods': { items: [] },
  };
  const asked: string[] = [];
  const call: KubeClient['call'] = ({ path }) => {
    asked.push(path);
    const found = Object.entries(answers).find(([end]) => path.endsWith(end));
    if (found === undefined) throw new ApiError({ kind: 'missing', status: 404, message: path });
    return Promise.resolve(found[1]) as never;
  };
  const sources = sourcesOf({ film, jobs: [job(1)], pods: [remembered], frozen: ['job-1'] });
  const cached = observe('films/lighthouse', sources, false);
  const context = {
    client: { call } as KubeClient,
    sources,
    hostPathAllowed: false,
    signal: AbortSignal.any([]),
    now: () => 1000 * asked.length,
  };
  const seen = cached === undefined ? undefined : await read(cached, context);
  return { seen, podsAskedAt: 1000 * asked.findIndex((path) => path.endsWith('/pods')) };
}

async function podsAfterReading(remembered: Pod) {
  const { seen } = await reading(remembered);
  return seen?.jobs[0]?.pods.map((view) => [view.state, isAlive(view), ...(hasFilm(view) ? ['with the film'] : [])]);
}

/** Its runner has ended, and its kubelet has not said so yet of the pod. */
const unsaid = withPodStatus({ phase: 'Running' });
const withDeletion = (object: Pod): Pod => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:20:00Z' },
});
const evicted = withCondition({ type: 'DisruptionTarget', status: 'True', reason: 'Evicted', message: 'm' });

describe('a pod that is gone, and that the caches have seen', () => {
  it.each<[string, Pod, unknown]>([
    ['at work is not known to have ended', pod(1, running), []],
    ['end has ended so', pod(1, ended(1)), [['failed', false]]],
    [
      'fail while a container beside its runner went on holds no GPUs any more',
      pod(1, ended(1), outlived),
      [['failed', false]],
    ],
    [
      'make the film while a container beside its runner went on has made it',
      pod(1, ended(0, succeededResult), outlived),
      [['succeeded', false, 'with the film']],
    ],
    [
      'make the film before anybody said that it had ended has made it',
      pod(1, ended(0, succeededResult), unsaid),
      [['succeeded', false, 'with the film']],
    ],
    [
      'make the film while it was taken away, before anybody said that it had ended, has made it',
      pod(1, ended(0, succeededResult), unsaid, evicted),
      [['succeeded', false, 'with the film']],
    ],
    ['end well and leave nothing has ended well', pod(1, ended(0), unsaid), [['succeeded', false]]],
    ['fail before anybody said that it had ended has failed', pod(1, ended(20), unsaid), [['failed', false]]],
    [
      'be told to stop before anybody said that it had ended was taken away',
      pod(1, ended(10), unsaid),
      [['disrupted', false]],
    ],
    [
      'be killed by its deletion before anybody said that it had ended was taken away',
      withDeletion(pod(1, ended(137), unsaid)),
      [['disrupted', false]],
    ],
    [
      'be taken away while a container beside its runner went on was taken away',
      pod(1, ended(137), outlived, evicted),
      [['disrupted', false]],
    ],
  ])('%s', async (_what, remembered, expected) => {
    expect(await podsAfterReading(remembered)).toEqual(expected);
  });
});

it('what is read is as old as the question after its pods, whenever the last answer comes', async () => {
  const { seen, podsAskedAt } = await reading(pod(1, running));
  expect(podsAskedAt).toBeGreaterThan(0);
  expect(seen?.readAt).toBe(podsAskedAt);
});
