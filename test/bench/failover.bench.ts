/** How long films wait for the other operator when the one that leads is stopped or killed, on a real API server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeClient, loadCredentials, openClient } from '../../operator/kube/client.ts';
import { type Cluster, startCluster, stopCluster } from '../cluster/cluster.ts';
import { clusterSupport } from '../cluster/support.ts';
import { installResource, launchOperator, logged, type OperatorProcess } from '../end-to-end/operator-process.ts';
import { createDice, type Dice } from '../faults/dice.ts';
import { type Bench, type BenchRow, notRun } from './bench.ts';

const NAME = 'failover-bench';
const FILMS = '/apis/dualparal.io/v1alpha1/namespaces/default/videogenerations';
const ENDS = [
  { signal: 'SIGTERM', times: 8, seconds: 5 },
  { signal: 'SIGKILL', times: 5, seconds: 20 },
] as const;
type End = (typeof ENDS)[number];
/** Renewals come every two seconds: the signal shall come at any moment between them. */
const RENEWAL_MS = 2000;

/** A film that nobody can schedule: its first status is written as soon as somebody looks after it. */
const film = (name: string) => ({
  apiVersion: 'dualparal.io/v1alpha1',
  kind: 'VideoGeneration',
  metadata: { name },
  spec: {
    prompt: 'a lighthouse',
    length: { frames: 81 },
    model: { ref: 'tiny', source: { persistentVolumeClaim: { claimName: 'models' } } },
    output: { persistentVolumeClaim: { claimName: 'films' } },
    parallelism: { gpus: 64 },
  },
});

const started: OperatorProcess[] = [];

async function standby(cluster: Cluster): Promise<OperatorProcess> {
  const operator = await launchOperator(cluster);
  started.push(operator);
  await logged(operator, () => operator.log().includes('caches are filled'));
  return operator;
}

/** Ends the leader; seconds until the other has written the status of a film that was made after that. */
async function secondsToTakeOver(
  client: KubeClient,
  { leader, other }: { readonly leader: OperatorProcess; readonly other: OperatorProcess },
  { signal }: End,
  name: string,
): Promise<number> {
  const sent = performance.now();
  const ended = leader.kill(signal);
  // From here on it takes up nothing new.
  if (signal === 'SIGTERM') await logged(leader, () => leader.log().includes('"msg":"stopping"'));
  else await ended;
  await client.call({ method: 'POST', path: FILMS, body: film(name) });
  for (;;) {
    const { status } = await client.call<{ status?: { phase?: string } }>({ method: 'GET', path: `${FILMS}/${name}` });
    if (status?.phase !== undefined) break;
    await sleep(10);
  }
  const seconds = (performance.now() - sent) / 1000;
  if (!other.leads()) await logged(other, other.leads);
  await ended;
  return seconds;
}

async function rowOf(cluster: Cluster, client: KubeClient, end: End, dice: Dice): Promise<BenchRow> {
  let leader = await standby(cluster);
  await logged(leader, leader.leads);
  const times: number[] = [];
  for (let i = 0; i < end.times; i += 1) {
    const other = await standby(cluster);
    await sleep(dice.share() * RENEWAL_MS);
    times.push(await secondsToTakeOver(client, { leader, other }, end, `${end.signal.toLowerCase()}-${i}`));
    leader = other;
  }
  await leader.stop();
  const shown = times.map((seconds) => seconds.toFixed(2)).join(', ');
  return {
    measure: `${end.signal} to the first status that the other writes, longest of ${shown}`,
    unit: 's',
    ours: Math.max(...times),
    peer: 'at most',
    theirs: end.seconds,
    better: 'lower',
    holds: Math.max(...times) < end.seconds,
    threshold: `under ${end.seconds} s each time`,
  };
}

async function* onCluster(): AsyncGenerator<readonly BenchRow[]> {
  const cluster = await startCluster({ name: NAME, report: (line) => console.error(line) });
  process.env.KUBECONFIG = cluster.kubeconfig;
  const client = openClient(await loadCredentials());
  try {
    await installResource(cluster);
    const dice = createDice(1);
    for (const end of ENDS) yield [await rowOf(cluster, client, end, dice)];
  } finally {
    await Promise.all(started.map((operator) => operator.kill('SIGKILL')));
    await client.close();
    await stopCluster(NAME);
  }
}

export const bench: Bench = {
  title: 'two operators on a real API server, one of which is ended',
  async *run() {
    const support = clusterSupport();
    if (!support.ok) throw notRun(support.reason);
    yield* onCluster();
  },
};
