import type { Pod } from '../../api/kubernetes.ts';
import { RUNNER_CONTAINER } from '../../api/labels.ts';
import { type Why, why } from '../../api/reasons.ts';

/** Reasons of a waiting container that say nothing but that the kubelet is at work. */
const AT_WORK = new Set(['ContainerCreating', 'PodInitializing', '']);

/**
 * Why a pod is not running yet, in the words of whoever holds it up: the scheduler, the kubelet about images and
 * container settings, or (`volumeTrouble`) its last event about volumes.
 */
export function waitingWhy(pod: Pod, volumeTrouble: Why | undefined): Why {
  const unscheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'False');
  if (unscheduled !== undefined) {
    return {
      reason: unscheduled.reason ?? 'Unschedulable',
      message: unscheduled.message ?? 'the scheduler gives no reason',
    };
  }
  const node = pod.spec?.nodeName;
  if (node === undefined) return why('WaitingForScheduler', { pod: pod.metadata.name });
  const waiting = pod.status?.containerStatuses?.find((c) => c.name === RUNNER_CONTAINER)?.state?.waiting;
  if (waiting !== undefined && !AT_WORK.has(waiting.reason ?? '')) {
    return { reason: waiting.reason ?? '', message: waiting.message ?? 'the kubelet gives no reason' };
  }
  return volumeTrouble ?? why('ContainerCreating', { node, pod: pod.metadata.name });
}
