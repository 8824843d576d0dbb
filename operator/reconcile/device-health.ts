import type { Pod, ResourceStatus } from '../api/kubernetes.ts';
import { RUNNER_CONTAINER } from '../api/labels.ts';
import type { Attempt } from '../api/status.ts';
import { isEnded } from './attempts.ts';
import type { PodView } from './observed.ts';

/*
 * What the cluster says of the devices that a runner was given (KEP-4680): device plugins and DRA drivers tell the kubelet, and it tells in the
 * pod's status. A runner that gets on is left alone; how its attempt ends decides what follows from it.
 */

/** Devices of a pod's runner that the kubelet calls unhealthy, by resource or claim; undefined where it says nothing of any. */
export function unhealthyDevices(pod: Pod): readonly string[] | undefined {
  return toldOf(pod)
    ?.flatMap(({ name, resources = [] }) => {
      const found = resources.filter(({ health }) => health === 'Unhealthy');
      return found.map(
        ({ resourceID, message = '' }) => `${name} ${resourceID}${message === '' ? '' : ` (${message})`}`,
      );
    })
    .toSorted();
}

/** Devices of which the kubelet does not know, as when a device plugin starts anew; undefined where there are none. */
export function unclearDevices(pod: Pod): readonly string[] | undefined {
  const found = toldOf(pod)?.flatMap(({ name, resources = [] }) =>
    resources.filter(({ health }) => health === 'Unknown').map(({ resourceID }) => `${name} ${resourceID}`),
  );
  return found?.length === 0 ? undefined : found;
}

function toldOf({ status }: Pod): readonly ResourceStatus[] | undefined {
  return status?.containerStatuses?.find(({ name }) => name === RUNNER_CONTAINER)?.allocatedResourcesStatus;
}

/** Devices that are unhealthy now, or were when somebody last knew: one stays so until it is called healthy. */
export function stillUnhealthy(
  pod: Pick<PodView, 'unhealthy' | 'unclear'> | undefined,
  before: readonly string[] = [],
): readonly string[] {
  const { unhealthy, unclear = [] } = pod ?? {};
  if (unhealthy === undefined) return before;
  const isUnclear = (device: string) => unclear.some((id) => device === id || device.startsWith(`${id} (`));
  return [...unhealthy, ...before.filter(isUnclear)].toSorted();
}

/** An attempt with its unhealthy devices, which how it ended names as well; a film that was made all the same needs none of it. */
export function withDevices(attempt: Attempt, devices: readonly string[] = []): Attempt {
  const { outcome, message = '' } = attempt;
  if (devices.length === 0 || outcome === 'Succeeded') return attempt;
  const isFault = isEnded(attempt) && (outcome === 'Failed' || outcome === 'Disrupted');
  const told = isFault ? { message: `${message}; its kubelet called unhealthy: ${devices.join(', ')}` } : {};
  return { ...attempt, ...told, unhealthyDevices: [...devices] };
}
