/** Many films' lives at the same time, behind a proxy that makes faults, while their operators come and go. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadCredentials, openClient } from '../../operator/kube/client.ts';
import { type Cluster, startCluster, stopCluster } from '../cluster/cluster.ts';
import { findProcesses, killProcess } from '../cluster/processes.ts';
import { installResource, launchOperator, type OperatorProcess, type Way } from '../end-to-end/operator-process.ts';
import { createDice, type Dice } from './dice.ts';
import { followHistory, type History } from './operator/history.ts';
import { wrongsOf } from './operator/invariants.ts';
import { liveFilm, sweep, type World } from './operator/life.ts';
import { type FaultProxy, startFaultProxy } from './operator/proxy.ts';
import { counter, type FaultLine } from './table.ts';

const CLUSTER = 'faults-operator';
const NAMESPACE = 'films';
/** Films at the same time. */
const AT_ONCE = 160;
const OPERATORS = 2;
/** As many workers as connections: most of their time is spent waiting for slow answers. */
const FLAGS = ['--workers', '64'];
/** How long after an operator was ended the next one is; the lease of one that was killed takes 15 s to end. */
const LIFE_MS = { shortest: 5_000, longest: 30_000 } as const;
const KILLED = 0.3;
/** In the end, a fresh operator looks at everything, and must find nothing to write. */
const QUIET_MS = 12_000;

/** Lives `times` films, under operators that have a mended `fault` again if one is named; wants root and what the test cluster needs. */
export async function operatorsBehindFaults(
  scratch: string,
  times: number,
  seed: number,
  fault?: string,
): Promise<FaultLine> {
  const dice = createDice(seed);
  const cluster = await startCluster({ name: CLUSTER, report: (line) => console.error(line) });
  process.env.KUBECONFIG = cluster.kubeconfig;
  const client = openClient(await loadCredentials());
  const proxy = await startFaultProxy(cluster, dice);
  try {
    await installResource(cluster);
    await cluster.kubectl(['create', 'namespace', NAMESPACE]);
    while ((await cluster.kubectl(['-n', NAMESPACE, 'get', 'serviceaccount', 'default'])).code !== 0) await sleep(100);
    leaveOnlyTheApiServer(cluster);
    const history = await followHistory(client, NAMESPACE);
    const world: World = { client, history, namespace: NAMESPACE, dice };
    const line = await liveAll({ world, proxy, cluster, scratch, times, fault });
    await history.stop();
    return line;
  } finally {
    await proxy.close();
    await client.close();
    await stopCluster(CLUSTER);
  }
}

/** Jobs, pods and what becomes of them are written by hand here. */
function leaveOnlyTheApiServer(cluster: Cluster): void {
  const acting = ['kube-controller-manager', 'kube-scheduler', 'kubelet'];
  for (const { pid, component } of findProcesses(cluster.folder)) if (acting.includes(component)) killProcess(pid);
}

interface Run {
  readonly world: World;
  readonly proxy: FaultProxy;
  readonly cluster: Cluster;
  readonly scratch: string;
  readonly times: number;
  readonly fault: string | undefined;
}

async function liveAll({ world, proxy, cluster, scratch, times, fault }: Run): Promise<FaultLine> {
  const { seen, add } = counter();
  const failures: string[] = [];
  const stop = new AbortController();
  const sweeping = sweep(world, stop.signal);
  const operators = keepOperators(
    cluster,
    { server: proxy.origin, folder: join(scratch, 'operators'), fault },
    world.dice,
    stop.signal,
  );
  const { history } = world;
  let next = 0;
  let lived = 0;
  const live = async () => {
    while (next < times) {
      const name = `film-${next}`;
      next += 1;
      add(await liveFilm(name, world));
      lived += 1;
      if (lived % 50 === 0) console.error(`${lived} films`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, live));
  await sleep(QUIET_MS);
  const before = history.films;
  await operators.endOne();
  await sleep(2 * QUIET_MS);
  if (history.films !== before) failures.push(`${history.films - before} writes to films that were over`);
  stop.abort();
  await Promise.all([sweeping, operators.ended]);
  const broken = Array.from({ length: times }, (_, i) => `film-${i}`).filter(
    (name) => wrongsOf(history.of(name)).length > 0,
  );
  for (const name of broken) failures.push(...wrongsOf(history.of(name)).map((wrong) => `${name}: ${wrong}`));
  const faults = Object.entries(proxy.seen).map(([fault, count]) => `${fault} ${count}`);
  const figures = `${faults.join(', ')}; operators ended ${operators.count()}${kept(broken, history)}`;
  return { what: 'films behind a proxy that makes faults', done: times, seen, failures, figures };
}

/** Keeps the lives that were broken, to be looked at. */
function kept(broken: readonly string[], history: History): string {
  if (broken.length === 0) return '';
  const folder = mkdtempSync(join(tmpdir(), 'dualparal-lives-'));
  for (const name of broken) writeFileSync(join(folder, `${name}.json`), JSON.stringify(history.of(name), null, 1));
  return `; broken lives are in ${folder}`;
}

/** Keeps some operators going, of which one is ended now and then. */
function keepOperators(cluster: Cluster, way: Way, dice: Dice, stop: AbortSignal) {
  mkdirSync(way.folder);
  const running: OperatorProcess[] = [];
  let ends = 0;
  const endOne = async () => {
    const operator = running[dice.between(0, running.length - 1)];
    ends += 1;
    await operator?.kill(dice.share() < KILLED ? 'SIGKILL' : 'SIGTERM');
  };
  const keep = async () => {
    while (!stop.aborted) {
      for (const [i, operator] of running.entries()) if (operator.hasEnded()) running.splice(i, 1);
      if (running.length < OPERATORS) running.push(await launchOperator(cluster, FLAGS, way));
      await sleep(200, undefined, { signal: stop }).catch(() => {});
    }
    await Promise.all(running.map((operator) => operator.kill('SIGKILL')));
  };
  const disturb = async () => {
    while (!stop.aborted) {
      await sleep(dice.between(LIFE_MS.shortest, LIFE_MS.longest), undefined, { signal: stop }).catch(() => {});
      if (!stop.aborted) await endOne();
    }
  };
  return { endOne, count: () => ends, ended: Promise.all([keep(), disturb()]) };
}
