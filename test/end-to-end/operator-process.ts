/** The operator as a process of this machine, with no more rights in the cluster than its manifests give it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';

const ROOT = join(import.meta.dirname, '../..');
const NAMESPACE = 'dualparal-system';

export interface OperatorProcess {
  /** Everything that it has logged. */
  readonly log: () => string;
  /** Whether it has ever led. */
  readonly leads: () => boolean;
  readonly hasEnded: () => boolean;
  /** Sends a signal; resolves to the exit code, or null where the signal ended it. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  stop(): Promise<number | null>;
}

async function must(cluster: Cluster, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Applies the CRD and the operator's manifests, without a pod for the operator itself. */
export async function installResource(cluster: Cluster): Promise<void> {
  await must(cluster, ['apply', '-f', join(ROOT, 'crds'), '-f', join(ROOT, 'deploy')]);
  await must(cluster, ['-n', NAMESPACE, 'scale', 'deployment/dualparal-operator', '--replicas=0']);
  await must(cluster, ['wait', '--for=condition=Established', 'crd/videogenerations.dualparal.io', '--timeout=60s']);
}

/** A kubeconfig of the operator's service account. */
async function ownKubeconfig(cluster: Cluster): Promise<string> {
  const token = (
    await must(cluster, ['-n', NAMESPACE, 'create', 'token', 'dualparal-operator', '--duration=2h'])
  ).trim();
  const admin = parse(readFileSync(cluster.kubeconfig, 'utf8'));
  const users = admin.users.map(({ name }: { name: string }) => ({ name, user: { token } }));
  const path = join(cluster.folder, 'operator.kubeconfig');
  writeFileSync(path, stringify({ ...admin, users }), { mode: 0o600 });
  return path;
}

function plainKubeconfig({ server, folder }: Way): string {
  const path = join(folder, 'kubeconfig');
  const named = { name: 'way' };
  const clusters = [{ ...named, cluster: { server, 'insecure-skip-tls-verify': true } }];
  const contexts = [{ ...named, context: { cluster: 'way', user: 'way' } }];
  const users = [{ ...named, user: {} }];
  writeFileSync(
    path,
    stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'way', clusters, users, contexts }),
  );
  return path;
}

/** Starts the operator and returns when it leads. */
export async function startOperator(cluster: Cluster, flags: readonly string[] = []): Promise<OperatorProcess> {
  const operator = await launchOperator(cluster, flags);
  await logged(operator, () => operator.leads());
  return operator;
}

/** Waits until an operator has logged what is asked for; throws if it ends instead. */
export async function logged(operator: OperatorProcess, holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (operator.hasEnded()) throw new Error(`the operator has ended: ${operator.log()}`);
    await sleep(20);
  }
}

/** Another way to the API server, that asks for no credentials, and a folder for its kubeconfig. */
export interface Way {
  readonly server: string;
  readonly folder: string;
  /** A mended fault that this operator shall have again (`test/simulate/faults.ts`). */
  readonly fault?: string | undefined;
}

/** Starts the operator and does not wait for anything. */
export async function launchOperator(
  cluster: Cluster,
  flags: readonly string[] = [],
  way?: Way,
): Promise<OperatorProcess> {
  const kubeconfig = way === undefined ? await ownKubeconfig(cluster) : plainKubeconfig(way);
  const args = ['operator/main.ts', '--runner-image', 'localhost/no-such-runner:1', '--runner-pull-policy', 'Never'];
  const ports = ['--progress-port', '0', '--health-port', '0'];
  const patch = way?.fault === undefined ? [] : ['--import', join(ROOT, 'test/simulate/patch-sources.ts')];
  const child: ChildProcess = spawn(process.execPath, [...patch, ...args, ...ports, ...flags], {
    cwd: ROOT,
    env: { ...process.env, KUBECONFIG: kubeconfig, SIMULATE_FAULT: way?.fault },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const kill = (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal);
    return ended;
  };
  return {
    log: () => log,
    leads: () => log.includes('"msg":"leading"'),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    kill,
    stop: () => kill('SIGTERM'),
  };
}
