import { isLookedAfter } from './life.ts';
import { FOREIGN_NAMESPACE } from './people.ts';
import type { StandInApiServer, Stored } from './stand-in-api-server.ts';
import { dropPod, isTerminal, ownerUid } from './stand-in-controllers.ts';
import type { StandInKubelet } from './stand-in-kubelet.ts';

/*
 * Somebody who helps what is stuck once the rough time is over: not where the operator has to.
 */

/**
 * Clears away what has no owner any more, would never end by itself, and is of no film as far as the operator can tell, or would be held for
 * an hour, since its frozen spec went with its Job.
 */
export function clearOrphans(server: StandInApiServer, filmOf: (pod: Stored) => Stored | undefined): void {
  for (const pod of server.list('pods')) {
    if (pod.metadata.namespace === FOREIGN_NAMESPACE) continue;
    const isLong = pod.status?.phase === 'Pending' && !isLookedAfter(filmOf(pod), pod, ['start']);
    const isToGo = isLong || filmOf(pod) === undefined;
    if (!isTerminal(pod) && ownerUid(pod) === undefined && isToGo) dropPod(server, pod, 'person');
  }
}

/**
 * Helps pods that never start or never end, but for those that a deadline of their film is for, and those of which the operator has said that
 * they end: whether their Job is there or not.
 */
export function helpStuck(
  server: StandInApiServer,
  kubelet: Pick<StandInKubelet, 'isStuck' | 'help'>,
  filmOf: (pod: Stored) => Stored | undefined,
): void {
  for (const pod of server.list('pods')) {
    const stuck = kubelet.isStuck(pod);
    if (stuck !== undefined && !isLookedAfter(filmOf(pod), pod, stuck)) kubelet.help(pod);
  }
}
