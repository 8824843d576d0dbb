/** What an operator asks the API server for when there is nothing to do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { VIDEO_GENERATIONS } from '../../../operator/api/labels.ts';
import { type KubeClient, openPlainClient } from '../../../operator/kube/client.ts';
import { JOBS, type KubeObject } from '../../../operator/kube/resource.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import type { BenchRow } from '../bench.ts';
import { onBed } from './bed.ts';
import { type CountingProxy, isOfEveryOperator, startCountingProxy } from './counting-proxy.ts';
import { at, film, launch, many, quiet } from './films.ts';

export interface QuietSizes {
  /** Films that wait when the operator starts anew. */
  readonly films: number;
  /** Films that are over while it idles. */
  readonly finished: number;
}

const IDLE_MS = 10_000;

/** Both on one bed: films that wait first, of which some are given up then. */
export function quietRows(sizes: QuietSizes): Promise<readonly BenchRow[]> {
  return onBed(async (cluster) => {
    const proxy = await startCountingProxy(cluster);
    const client = openPlainClient(proxy.origin);
    try {
      return [await restartRow(cluster, proxy, client, sizes), await idleRow(cluster, proxy, client, sizes)];
    } finally {
      await client.close();
      await proxy.close();
    }
  });
}

async function restartRow(
  cluster: Cluster,
  proxy: CountingProxy,
  client: KubeClient,
  { films }: QuietSizes,
): Promise<BenchRow> {
  const first = await launch(cluster, proxy);
  await many(films, (i) => client.call({ method: 'POST', path: at(VIDEO_GENERATIONS), body: film(i) }));
  await quiet(proxy);
  await first.stop();
  proxy.reset();
  const second = await launch(cluster, proxy);
  await quiet(proxy);
  const calls = proxy.count((asked) => !isOfEveryOperator(asked) && !isOwnSecret(asked));
  await second.stop();
  return {
    ...{
      measure: `calls after a restart beside ${films} waiting films, without lists, watches and lease`,
      unit: 'calls',
    },
    ...{ ours: calls, peer: 'at most', theirs: 0, better: 'lower' as const },
    ...{ holds: calls === 0, threshold: 'none' },
  };
}

async function idleRow(
  cluster: Cluster,
  proxy: CountingProxy,
  client: KubeClient,
  { finished }: QuietSizes,
): Promise<BenchRow> {
  const operator = await launch(cluster, proxy);
  const jobs = await client.call<{ items: KubeObject[] }>({
    method: 'GET',
    path: at(JOBS),
    query: { limit: finished },
  });
  await many(jobs.items.length, (i) => endJob(client, jobs.items[i]?.metadata.name ?? ''));
  await quiet(proxy);
  proxy.reset();
  await sleep(IDLE_MS);
  const calls = proxy.count(({ path }) => !path.includes('/leases'));
  await operator.stop();
  return {
    ...{
      measure: `requests in 10 s beside ${jobs.items.length} films that are over, without the lease`,
      unit: 'requests',
    },
    ...{ ours: calls, peer: 'under', theirs: 1, better: 'lower' as const },
    ...{ holds: calls < 1, threshold: 'fewer than one' },
  };
}

/** The endpoint's own authority is read once by each process. */
const isOwnSecret = ({ path }: { readonly path: string }) => path.includes('/secrets/');

function endJob(client: KubeClient, name: string): Promise<unknown> {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const condition = (type: string) => ({
    ...{ type, status: 'True', reason: 'BackoffLimitExceeded', message: 'it has failed' },
    ...{ lastTransitionTime: time, lastProbeTime: time },
  });
  const conditions = [condition('FailureTarget'), condition('Failed')];
  const status = { active: 0, ready: 0, terminating: 0, failed: 1, startTime: time, conditions };
  const contentType = 'application/merge-patch+json';
  return client.call({ method: 'PATCH', path: at(JOBS, name, 'status'), contentType, body: { status } });
}
