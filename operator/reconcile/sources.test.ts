import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { pod, running } from '../../test/build/pod.ts';
import { videoGeneration } from '../../test/build/video-generation.ts';
import type { ObjectEvent } from '../api/kubernetes.ts';
import { createSources } from './sources.ts';

const event = (uid: string): ObjectEvent => ({
  metadata: { name: `e-${uid}`, namespace: 'films', resourceVersion: '9' },
  involvedObject: { uid, name: 'x' },
  reason: 'FailedMount',
});

describe('the caches', () => {
  it('wake the resource that a change concerns, whatever has changed', () => {
    const woken: string[] = [];
    const gone: string[] = [];
    const sources = createSources({
      wake: (key) => woken.push(key),
      podGone: (uid) => gone.push(uid),
      published: () => undefined,
      hearing: () => ({ silentMs: 0, listeningMs: 0 }),
    });
    const steps: readonly [string, () => void][] = [
      ['film', () => sources.resources.upsert(videoGeneration())],
      ['job', () => sources.jobs.upsert(job(1))],
      ['pod', () => sources.pods.upsert(pod(1))],
      [
        'pod runs',
        () => sources.pods.upsert({ ...pod(1, running), metadata: { ...pod(1).metadata, resourceVersion: '300' } }),
      ],
      ['event of the pod', () => sources.events.upsert(event('pod-1'))],
      ['event of the job', () => sources.events.upsert(event('job-1'))],
      ['pod gone', () => sources.pods.remove(pod(1))],
    ];
    const seen = steps.map(([what, step]) => {
      woken.length = 0;
      step();
      return [what, ...woken];
    });
    expect(seen).toEqual(steps.map(([what]) => [what, 'films/lighthouse']));
    sources.events.upsert(event('somebody else'));
    expect({ woken, gone }).toEqual({ woken: ['films/lighthouse'], gone: ['pod-1'] });
  });

  it('wake nothing for what another namespace says of an object', () => {
    const woken: string[] = [];
    const sources = createSources({
      wake: (key) => woken.push(key),
      podGone: () => {},
      published: () => undefined,
      hearing: () => ({ silentMs: 0, listeningMs: 0 }),
    });
    sources.jobs.upsert(job(1));
    sources.pods.upsert(pod(1));
    woken.length = 0;
    for (const uid of ['pod-1', 'job-1']) {
      const forged = event(uid);
      sources.events.upsert({ ...forged, metadata: { ...forged.metadata, namespace: 'elsewhere' } });
      sources.events.upsert({ ...forged, involvedObject: { ...forged.involvedObject, namespace: 'elsewhere' } });
    }
    sources.workloads.upsert({
      metadata: {
        name: 'w',
        namespace: 'elsewhere',
        resourceVersion: '9',
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'Job', name: job(1).metadata.name, uid: 'job-1', controller: true },
        ],
      },
    });
    expect(woken).toEqual([]);
  });

  it('forget with a Job that its frozen spec was written', () => {
    const sources = createSources({
      wake: () => {},
      podGone: () => {},
      published: () => undefined,
      hearing: () => ({ silentMs: 0, listeningMs: 0 }),
    });
    sources.jobs.upsert(job(1));
    sources.frozen.set('job-1', true);
    sources.jobs.remove(job(1));
    expect([...sources.frozen]).toEqual([]);
  });
});
