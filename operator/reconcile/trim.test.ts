import { describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { observed } from '../../test/build/observed.ts';
import {
  ended,
  onNode,
  pod,
  running,
  succeededResult,
  withCondition,
  withContainer,
  withHealth,
  withInitContainer,
} from '../../test/build/pod.ts';
import { videoGeneration, withMetadata, withSpec } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import { createSources } from './sources.ts';
import { trimJob, trimMetadata, trimPod } from './trim.ts';
import { viewOf } from './view.ts';

/** As the API server gives it, with what nobody here reads. */
const served = <T extends Job | Pod>(object: T): T => {
  const metadata = {
    ...object.metadata,
    managedFields: [{ manager: 'x', fieldsV1: {} }],
    annotations: { ...object.metadata.annotations, 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
  };
  return { ...object, metadata };
};
const servedPod = (made: Pod): Pod => {
  const spec = { ...made.spec, containers: [{ name: 'runner', image: 'x' }], volumes: [{ name: 'v' }] };
  const containers = made.status?.containerStatuses?.map((one) => ({ ...one, imageID: 'sha256:1', restartCount: 0 }));
  const status = { ...made.status, podIP: '10.0.0.1', ...(containers ? { containerStatuses: containers } : {}) };
  return served({ ...made, spec, status } as Pod);
};

const LISTENERS = {
  wake: () => {},
  podGone: () => {},
  published: () => undefined,
  hearing: () => ({ silentMs: 0, listeningMs: 0 }),
};

describe('of a trimmed object is seen what is seen of the whole one', () => {
  const seen = (jobs: readonly Job[], pods: readonly Pod[]) => {
    const sources = createSources(LISTENERS);
    return viewOf({ object: videoGeneration(), jobs, pods, live: false }, sources, false);
  };
  const waiting = withContainer({ waiting: { reason: 'ImagePullBackOff', message: 'no such image' } });
  const evicted = withCondition({ type: 'DisruptionTarget', status: 'True', reason: 'Evicted', message: 'm' });

  it.each<[string, Job, Pod]>([
    ['nobody has scheduled it', job(1), pod(1)],
    ['its image is not there', job(1), pod(1, onNode(), waiting)],
    [
      'what comes before its runner cannot start',
      job(1),
      pod(
        1,
        onNode(),
        withContainer({ waiting: { reason: 'PodInitializing' } }),
        withInitContainer('mesh-init', { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }),
      ),
    ],
    ['it runs', job(1), pod(1, running)],
    ['a device of it is unhealthy', job(1), pod(1, running, withHealth({ 'gpu-1': 'Unhealthy', 'gpu-2': 'Unknown' }))],
    ['its devices are healthy', job(1), pod(1, running, withHealth({ 'gpu-1': 'Healthy' }))],
    ['it has made the film', job(1, withEnd('Complete')), pod(1, ended(0, succeededResult))],
    ['it has failed', job(1, withEnd('Failed')), pod(1, ended(20, 'words'))],
    ['it was taken away', job(1), pod(1, ended(137, 'words'), evicted)],
  ])('%s', (_what, made, its) => {
    const whole = seen([served(made)], [servedPod(its)]);
    expect(whole.jobs[0]?.pods.length).toBe(1);
    expect(seen([trimJob(served(made))], [trimPod(servedPod(its))])).toEqual(whole);
  });
});

describe('a trimmed object', () => {
  it('of a Job has no pod template, and no copies of itself', () => {
    expect(JSON.stringify(trimJob(served(job(1))))).not.toMatch(/template|managedFields|last-applied|podFailurePolicy/);
  });

  it('of a pod has no containers but how they are', () => {
    const text = JSON.stringify(trimPod(servedPod(pod(1, running))));
    expect(text).toMatch(/startedAt/);
    const ailing = JSON.stringify(trimPod(pod(1, running, withHealth({ 'gpu-1': 'Unhealthy', 'gpu-2': 'Healthy' }))));
    expect([/gpu-1/.test(ailing), /gpu-2/.test(ailing)]).toEqual([true, false]);
    expect(text).not.toMatch(/volumes|imageID|podIP|managedFields|last-applied/);
  });

  it('of a film has all of it but copies of itself', () => {
    const film = videoGeneration();
    const copied = { ...film.metadata, annotations: { mine: 'x', ...served(job(1)).metadata.annotations } };
    const trimmed = trimMetadata({ ...film, metadata: copied });
    expect(trimmed.spec).toEqual(film.spec);
    expect(trimmed.metadata.annotations).not.toHaveProperty(['kubectl.kubernetes.io/last-applied-configuration']);
    expect(trimmed.metadata.annotations).toHaveProperty('mine');
  });
});

it('a film keeps the very spec that it had until somebody changes it; another film of that name has its own', () => {
  const sources = createSources(LISTENERS);
  const told = (version: string, fields: Readonly<Record<string, unknown>>, uid?: string) => {
    const metadata = { resourceVersion: version, ...(uid === undefined ? {} : { uid }) };
    sources.resources.upsert(structuredClone(videoGeneration(withMetadata(metadata), withSpec(fields))));
    return sources.resources.list()[0]?.spec;
  };
  const first = told('11', { seed: 1 });
  expect(told('12', { seed: 1 })).toBe(first);
  expect(told('13', { seed: 2 })).not.toEqual(first);
  const second = told('14', { seed: 3 });
  const third = told('15', { seed: 3 }, 'another');
  expect(third).toEqual(second);
  expect(third).not.toBe(second);
});

it('the caches keep trimmed objects, whoever brings them', () => {
  const whole = servedPod(pod(1, running));
  const sources = createSources(LISTENERS);
  sources.pods.learn(whole);
  sources.jobs.replace([served(job(1))], '1000');
  expect(sources.pods.list()).toEqual([trimPod(whole)]);
  expect(sources.jobs.list()).toEqual([trimJob(served(job(1)))]);
  expect(observed({ jobs: [job(1)], pods: [pod(1)] }).jobs.length).toBe(1);
});
