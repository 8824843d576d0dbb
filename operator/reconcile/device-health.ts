import type { Pod } from '../api/kubernetes.ts';
import { RUNNER_CONTAINER } from '../api/labels.ts';
import type { Attempt } from '../api/status.ts';
import { isEnded } from './attempts.ts';

/*
 * What the cluster says of the devices that a runner was given (KEP-4680): device plugins and DRA drivers tell the kubelet, and it tells in the
 * pod's status. A runner that gets on is left alone; how its attempt ends decides what follows from it.
 */

/** Devices of a pod's runner that the kubelet calls unhealthy, by resource or claim; undefined where it says nothing of any. */
export function unhealthyDevices({ status }: Pod): readonly string[] | undefined {
  const runner = status?.containerStatuses?.find(({ name }) => name === RUNNER_CONTAINER);
  return runner?.allocatedResourcesStatus
    ?.flatMap(({ name, resources = [] }) => {
      const found = resources.filter(({ health }) => health === 'Unhealthy');
      return found.map(
        ({ resourceID, message = '' }) => `${name} ${resourceID}${message === '' ? '' : ` (${message})`}`,
      );
    })
    .toSorted();
}

/** An attempt with its unhealthy devices, which how it ended names as well; a film that was made all the same needs none of it. */
export function withDevices(attempt: Attempt, devices: readonly string[] = []): Attempt {
  const { outcome, message = '' } = attempt;
  if (devices.length === 0 || outcome === 'Succeeded') return attempt;
  const isFault = isEnded(attempt) && (outcome === 'Failed' || outcome === 'Disrupted');
  const told = isFault ? { message: `${message}; its kubelet called unhealthy: ${devices.join(', ')}` } : {};
  return { ...attempt, ...told, unhealthyDevices: [...devices] };
}
