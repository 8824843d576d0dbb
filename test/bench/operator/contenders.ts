/** Ours, as it runs in a pod, and the peer: started on the same bed, and told apart by nothing else. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Bed, inBed } from '../../cluster/bed.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { apiServerPort } from '../../cluster/layout.ts';
import { readState } from '../../cluster/state.ts';
import { notRun } from '../bench.ts';
import { type MeasuredProcess, startMeasured } from './measured-process.ts';

const ROOT = join(import.meta.dirname, '../../..');
const NAMESPACE = 'dualparal-system';
const HEALTH_PORT = 18081;

/** An operator that can be started on a bed, and how it tells that it has looked at everything. */
export interface Contender {
  readonly name: string;
  start(cluster: Cluster): Promise<MeasuredProcess>;
  readonly reconciled: { readonly series: string; readonly label: string };
}

export const ours: Contender = {
  name: 'ours',
  async start(cluster) {
    const { bed } = readState(cluster.name) ?? {};
    if (bed === null || bed === undefined) throw new Error('the bed is gone');
    await writeServiceAccount(cluster);
    return startMeasured({
      command: inBed(bed, ['env', ...podEnvironment(cluster, bed), ...command()]),
      env: {},
      metrics: `http://${cluster.nodeAddress}:${HEALTH_PORT}/metrics`,
      wrapped: true,
    });
  },
  reconciled: { series: 'dualparal_operator_rounds_total', label: 'done' },
};

/** The command of the manifest, with Node's own options. */
function command(): readonly string[] {
  const manifests = readdirSync(join(ROOT, 'deploy')).flatMap((file) =>
    parseAllDocuments(readFileSync(join(ROOT, 'deploy', file), 'utf8')).map((document) => document.toJS()),
  );
  const deployment = manifests.find(({ kind }) => kind === 'Deployment');
  const [, ...args] = deployment.spec.template.spec.containers[0].command as string[];
  const own = args.map((arg) => arg.replace(/^\/app\//, `${ROOT}/`));
  const flags = ['--runner-image', 'x', '--progress-port', '0', '--health-port', String(HEALTH_PORT)];
  return [process.execPath, ...own, ...flags];
}

function podEnvironment({ nodeAddress }: Cluster, { path }: Bed): readonly string[] {
  return [`PATH=${path}`, `KUBERNETES_SERVICE_HOST=${nodeAddress}`, `KUBERNETES_SERVICE_PORT=${apiServerPort}`];
}

/** What the kubelet puts into every pod, where the bed's processes see it. */
async function writeServiceAccount(cluster: Cluster): Promise<void> {
  const token = await cluster.kubectl(['-n', NAMESPACE, 'create', 'token', 'dualparal-operator', '--duration=2h']);
  const folder = join(cluster.folder, 'own/run/secrets/kubernetes.io/serviceaccount');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'token'), token.stdout.trim());
  writeFileSync(join(folder, 'ca.crt'), readFileSync(join(cluster.certificates, 'authority.crt')));
  writeFileSync(join(folder, 'namespace'), NAMESPACE);
}

/** The programs of a peer, built. */
export interface Peer extends Contender {
  /** Creates films and measures, from outside, what is made of them. */
  load(cluster: Cluster, options: LoadOptions): Promise<Load>;
}

export interface LoadOptions {
  readonly count: number;
  /** Creations a second; as fast as it can where absent. */
  readonly rate?: number;
  readonly prefix: string;
  /** File with the spec of every film. */
  readonly spec: string;
}

export interface Load {
  readonly jobs: number;
  readonly duplicates: number;
  /** Until the last Job was there. */
  readonly seconds: number;
  /** From a creation to its Job, in milliseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

const SAID = /jobs (\d+), duplicates (\d+), all by ([\d.]+) s; create->job ms p50 (-?\d+) p90 (-?\d+) p99 (-?\d+) max/;

/** Builds the peer and its loader from their sources into `folder`. */
export function buildPeer(sources: string, folder: string): Peer {
  const [peer, loader] = [join(folder, 'peer'), join(folder, 'load')];
  for (const [program, from] of [
    [peer, '.'],
    [loader, './load'],
  ] as const)
    goBuild(program, from, sources);
  return {
    name: 'peer',
    async start({ kubeconfig }) {
      return startMeasured({
        command: [peer],
        env: { KUBECONFIG: kubeconfig },
        metrics: 'http://127.0.0.1:18080/metrics',
      });
    },
    reconciled: { series: 'controller_runtime_reconcile_total', label: 'result="success"' },
    async load({ kubeconfig }, { count, rate = 0, prefix, spec }) {
      const args = ['-n', String(count), '-rate', String(rate), '-prefix', prefix, '-spec', spec];
      const said = await output(loader, args, kubeconfig);
      const [jobs, duplicates, seconds, p50, p90, p99] = (SAID.exec(said) ?? []).slice(1).map(Number);
      if (jobs !== count || p99 === undefined) throw new Error(`the loader said: ${said}`);
      return { jobs, duplicates, seconds, p50, p90, p99 } as Load;
    },
  };
}

function goBuild(program: string, from: string, sources: string): void {
  const built = spawnSync('go', ['build', '-o', program, from], {
    cwd: sources,
    env: { ...process.env, CGO_ENABLED: '0' },
    encoding: 'utf8',
  });
  if (built.error !== undefined) throw notRun(`the peer needs Go: ${built.error.message}`);
  if (built.status !== 0) throw notRun(`the peer in ${sources} cannot be built: ${built.stderr.slice(-500)}`);
}

function output(command: string, args: readonly string[], kubeconfig: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, KUBECONFIG: kubeconfig } });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    child.on('error', reject);
    child.on('close', () => resolve(said));
  });
}
