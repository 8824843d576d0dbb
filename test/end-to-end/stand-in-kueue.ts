/**
 * Stands in for Kueue's Job integration, by hand: what it does to a Job that carries a queue's label when its turn comes, and when it is
 * taken away again (shown by the real one, August 2026). It has no quota and makes no Workload.
 */
import type { Kubectl } from './bed.ts';

const POD_LABELS = { 'kueue.x-k8s.io/podset': 'main', 'kueue.x-k8s.io/local-queue-name': 'gpu' };

/** Its turn has come: the pod template gains labels, an annotation and the flavor's node label, and the Job goes on. */
export async function admit(kubectl: Kubectl, namespace: string, job: string): Promise<void> {
  // Kueue takes the time of the first start away, so that the template of a Job that has run before may change.
  await patch(kubectl, namespace, job, { status: { startTime: null } }, ['--subresource=status']);
  await patch(kubectl, namespace, job, {
    spec: {
      suspend: false,
      template: {
        metadata: { labels: POD_LABELS, annotations: { 'kueue.x-k8s.io/workload': `job-${job}` } },
        spec: { nodeSelector: { 'kubernetes.io/os': 'linux' } },
      },
    },
  });
}

/** It is preempted: the Job is suspended. */
export async function evict(kubectl: Kubectl, namespace: string, job: string): Promise<void> {
  await patch(kubectl, namespace, job, { spec: { suspend: true } });
}

function patch(kubectl: Kubectl, namespace: string, job: string, body: object, more: readonly string[] = []) {
  return kubectl(['-n', namespace, 'patch', 'job', job, '--type=merge', ...more, '-p', JSON.stringify(body)]);
}
