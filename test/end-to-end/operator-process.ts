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

/** Starts the operator and returns when it leads. */
export async function startOperator(cluster: Cluster, flags: readonly string[] = []): Promise<OperatorProcess> {
  const kubeconfig = await ownKubeconfig(cluster);
  const args = ['operator/main.ts', '--runner-image', 'localhost/no-such-runner:1', '--runner-pull-policy', 'Never'];
  const ports = ['--progress-port', '0', '--health-port', '0'];
  const child: ChildProcess = spawn(process.execPath, [...args, ...ports, ...flags], {
    cwd: ROOT,
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  while (!log.includes('"msg":"leading"')) {
    if (child.exitCode !== null) throw new Error(`the operator ended at once: ${log}`);
    await sleep(50);
  }
  return {
    log: () => log,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
