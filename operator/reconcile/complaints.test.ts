import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { onNode, pod } from '../../test/build/pod.ts';
import { videoGeneration, withSpec } from '../../test/build/video-generation.ts';
import type { Job, ObjectEvent } from '../api/kubernetes.ts';
import { LABEL_QUEUE } from '../api/labels.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');

const event = (namespace: string, uid: string, reason: string, message: string): Pick<Cluster, 'events'> => {
  const at: ObjectEvent = {
    metadata: { name: 'e', namespace, resourceVersion: '300', creationTimestamp: '2026-01-01T00:50:00Z' },
    involvedObject: { namespace, uid },
    reason,
    message,
  };
  return { events: [at] };
};

const queued: Job = {
  ...job(1),
  metadata: { ...job(1).metadata, labels: { ...job(1).metadata.labels, [LABEL_QUEUE]: 'gpu' } },
  spec: { ...job(1).spec, suspend: true },
};

const workload = (namespace: string): Pick<Cluster, 'workloads'> => ({
  workloads: [
    {
      metadata: {
        name: 'w',
        namespace,
        resourceVersion: '5',
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'Job', name: queued.metadata.name, uid: 'job-1', controller: true },
        ],
      },
      status: { conditions: [{ type: 'QuotaReserved', status: 'False', reason: 'Pending', message: 'no room' }] },
    },
  ],
});

const elastic = videoGeneration(withSpec({ parallelism: { gpus: 8, minGpus: 2 }, deadlines: { elastic: '5m' } }));
const NO_QUOTA =
  'Error creating: pods "x" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=8, used: requests.nvidia.com/gpu=8';

describe('what somebody says of an object of a film', () => {
  it.each<[string, Cluster, (namespace: string) => Cluster]>([
    [
      'an event about a volume of its pod',
      { jobs: [job(1)], pods: [pod(1, onNode())] },
      (namespace) => event(namespace, 'pod-1', 'FailedMount', 'no such volume'),
    ],
    [
      'an event about its frozen spec, which its pod does not find',
      { jobs: [job(1)], pods: [pod(1, onNode())] },
      (namespace) => event(namespace, 'pod-1', 'FailedMount', `configmap "${job(1).metadata.name}" not found`),
    ],
    [
      'an event about a pod that its Job cannot make',
      { jobs: [job(1)] },
      (namespace) => event(namespace, 'job-1', 'FailedCreate', 'exceeded quota: gpus'),
    ],
    [
      'an event about GPUs that its Job does not get',
      { film: elastic, jobs: [job(1)] },
      (namespace) => event(namespace, 'job-1', 'FailedCreate', NO_QUOTA),
    ],
    ['a Workload of its Job', { jobs: [queued] }, workload],
  ])('counts in its own namespace and nowhere else: %s', (_what, cluster, said) => {
    const of = (more: Cluster) => {
      const { verdict, actions, status } = decide(
        observed({ frozen: ['job-1'], live: true, ...cluster, ...more }),
        NOW,
      );
      return { verdict, actions, status };
    };
    const unsaid = of({});
    expect(of(said('elsewhere'))).toEqual(unsaid);
    expect(of(said('films'))).not.toEqual(unsaid);
  });
});
