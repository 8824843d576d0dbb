/** Films of a bed, and the operator that looks after them, as seen by the proxy between it and its API server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pathOf, type ResourceType } from '../../../operator/kube/resource.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { launchOperator, logged } from '../../end-to-end/operator-process.ts';
import { type CountingProxy, isOfEveryOperator } from './counting-proxy.ts';
import { SPEC } from './floor.ts';

export const NAMESPACE = 'default';
const AT_ONCE = 16;
const SETTLED_MS = 15_000;

/** Starts an operator that goes through the proxy, and waits until it leads. */
export async function launch(cluster: Cluster, { origin }: CountingProxy, flags: readonly string[] = []) {
  const operator = await launchOperator(cluster, flags, { server: origin, folder: cluster.work });
  await logged(operator, operator.leads);
  return operator;
}

/** Waits until nothing was asked for a while but for the lease. */
export async function quiet(proxy: CountingProxy): Promise<void> {
  const asked = () => proxy.count((one) => !isOfEveryOperator(one));
  for (let before = -1, now = asked(); before !== now; ) {
    await sleep(SETTLED_MS);
    before = now;
    now = asked();
  }
}

/** Path of an object of the films' namespace, or of all of its kind. */
export const at = (resource: ResourceType, name?: string, subresource?: string) =>
  pathOf(resource, { namespace: NAMESPACE, name, subresource });

/** A film that is given up with its first Job. */
export const film = (i: number) => ({
  ...{ apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata: { name: `film-${i}` } },
  spec: { ...SPEC, retries: { failures: 0, disruptions: 0 } },
});

/** Does the same for each number, some at the same time. */
export async function many(count: number, act: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let i = next++; i < count; i = next++) await act(i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
