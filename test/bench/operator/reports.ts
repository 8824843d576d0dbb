/** Jobs at work whose runners all report: how often the operator writes of it, and whether anything is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { VIDEO_GENERATIONS } from '../../../operator/api/labels.ts';
import { type KubeClient, openPlainClient } from '../../../operator/kube/client.ts';
import { CONFIG_MAPS, JOBS, type KubeObject, type ResourceType } from '../../../operator/kube/resource.ts';
import type { BenchRow } from '../bench.ts';
import { onBed } from './bed.ts';
import { type Asked, startCountingProxy } from './counting-proxy.ts';
import { at, film, launch, many, quiet } from './films.ts';
import { type JobOfPod, type ReportingPod, recordOf, startReportingPod } from './reporting-pod.ts';

const PORT = 18_443;
/** Each runner reports this often, so many times, and each time of another percent: as fast a film as is worth a write each time. */
const EVERY_MS = 2_000;
const TIMES = 20;
const SECOND_MS = 1_000;
const MOST_WRITES = 200;
/** After the last report, for what waits for its turn. */
const PATIENCE_MS = 120_000;

const isStatusWrite = ({ method, path }: Asked) => method === 'PATCH' && /videogenerations\/[^/]+\/status$/.test(path);

/** Status writes in the busiest second while `reporting` runners report, and what of their last reports is nowhere. */
export function reportRows({ reporting }: { readonly reporting: number }): Promise<readonly BenchRow[]> {
  return onBed(async (cluster) => {
    const proxy = await startCountingProxy(cluster);
    const client = openPlainClient(proxy.origin);
    const url = `https://127.0.0.1:${PORT}/v1/progress`;
    const operator = await launch(cluster, proxy, ['--progress-port', String(PORT), '--progress-url', url]);
    const pods: ReportingPod[] = [];
    try {
      await many(reporting, (i) => client.call({ method: 'POST', path: at(VIDEO_GENERATIONS), body: film(i) }));
      await quiet(proxy);
      const jobs = await listOf<JobOfPod>(client, JOBS);
      const ca = await authorityOf(client);
      await many(jobs.length, async (i) => {
        pods.push(await startReportingPod(client, jobs[i]!, { port: PORT, ca, number: i }));
      });
      await quiet(proxy);
      const busiest = await busiestSecond(() => proxy.count(isStatusWrite), reportAll(pods));
      const lost = await missing(client, reporting);
      return rowsOf(reporting, busiest, lost);
    } finally {
      for (const pod of pods) pod.close();
      await operator.stop();
      await client.close();
      await proxy.close();
    }
  });
}

/** Each runner by its own clock, the last record with the phase that ends a film. */
async function reportAll(pods: readonly ReportingPod[]): Promise<void> {
  await Promise.all(
    pods.map(async (pod, i) => {
      await sleep((i / pods.length) * EVERY_MS);
      for (let sequence = 1; sequence <= TIMES; sequence += 1) {
        await Promise.all([pod.report(recordOf(sequence, sequence / TIMES)), sleep(EVERY_MS)]);
      }
    }),
  );
}

async function busiestSecond(count: () => number, work: Promise<void>): Promise<number> {
  let over = false;
  const ended = work.finally(() => {
    over = true;
  });
  let most = 0;
  while (!over) {
    const [before, from] = [count(), performance.now()];
    await sleep(SECOND_MS);
    most = Math.max(most, ((count() - before) / (performance.now() - from)) * SECOND_MS);
  }
  await ended;
  return most;
}

/** Films of which the last report does not come to the status. */
async function missing(client: KubeClient, reporting: number): Promise<number> {
  for (const from = performance.now(); ; await sleep(SECOND_MS)) {
    const films = await listOf<KubeObject & { status?: { progress?: { blockSteps?: number } } }>(
      client,
      VIDEO_GENERATIONS,
    );
    const told = films.filter(({ status }) => status?.progress?.blockSteps === TIMES).length;
    if (told === reporting || performance.now() - from > PATIENCE_MS) return reporting - told;
  }
}

async function listOf<T extends KubeObject>(client: KubeClient, resource: ResourceType): Promise<readonly T[]> {
  return (await client.call<{ items: T[] }>({ method: 'GET', path: at(resource) })).items;
}

/** What runners are given to know the endpoint by. */
async function authorityOf(client: KubeClient): Promise<string> {
  const maps = await listOf<KubeObject & { data?: Record<string, string> }>(client, CONFIG_MAPS);
  const found = maps.find(({ data }) => data?.['job.json'] !== undefined)?.data?.['ca.crt'];
  if (found === undefined) throw new Error('no frozen spec names an authority');
  return found;
}

function rowsOf(reporting: number, busiest: number, lost: number): readonly BenchRow[] {
  const who = `${reporting} runners that report every ${EVERY_MS / 1000} s`;
  const common = { peer: 'at most', better: 'lower' as const };
  return [
    {
      ...{ ...common, measure: `${who}: status writes in the busiest second`, unit: 'writes' },
      ...{ ours: busiest, theirs: MOST_WRITES, holds: busiest <= MOST_WRITES, threshold: `at most ${MOST_WRITES}` },
    },
    {
      ...{ ...common, measure: `${who}: films whose last report is not in the status`, unit: 'films' },
      ...{ ours: lost, theirs: 0, holds: lost === 0, threshold: 'none' },
    },
  ];
}
