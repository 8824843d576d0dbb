/** A real Kubernetes on this machine, for tests and for a person: start, use, stop. */
import { spawn } from 'node:child_process';
import { type Bed, claimLink, configureLink, openBed } from './bed.ts';
import { buildBinaries, findGo } from './build.ts';
import { makeCertificates } from './certificates.ts';
import { componentNames } from './component.ts';
import { startControlPlane } from './control-plane.ts';
import { installPackages, missingPackages } from './debian-packages.ts';
import { clusterError } from './errors.ts';
import { importImage, pauseImageTar } from './images.ts';
import { writeKubeconfigs } from './kubeconfig.ts';
import { type ClusterLayout, clusterLayout, firstNode, nodeName } from './layout.ts';
import { startNode, startServices } from './node.ts';
import type { Snapshotter } from './node-config.ts';
import { findProcesses } from './processes.ts';
import { waitFor } from './ready.ts';
import { type ClusterState, makeStateFolder, readState, writeState } from './state.ts';
import { obstacle, readMachine } from './support.ts';
import { removeCluster, withClusterLock } from './teardown.ts';
import { startWatchdog } from './watchdog.ts';

export interface ClusterOptions {
  /** Clusters of different names run side by side. Default `dualparal`. */
  readonly name?: string;
  /** How many stand-in GPUs the node has. Default 8. */
  readonly gpus?: number;
  /** Take the cluster away when this process ends, however it ends. Default true. */
  readonly owned?: boolean;
  /** Write down what service accounts ask the API server for (`audit.ts`). Default false. */
  readonly audit?: boolean;
  /** Hears of progress, a line at a time. */
  readonly report?: (line: string) => void;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubectlOptions {
  /** Text for its standard input, as in `kubectl apply -f -`. */
  readonly input?: string;
  readonly signal?: AbortSignal;
}

export interface Cluster extends ClusterLayout {
  /** Path of kubectl; {@link Cluster.kubeconfig} names the cluster to it. */
  readonly kubectlPath: string;
  /** Runs kubectl as the administrator; a failure is a code other than 0, never a throw. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<CommandResult>;
  /** Imports an OCI layout tar; pods then name the image with `imagePullPolicy: Never`. */
  importImage(tarFile: string): Promise<void>;
}

export const defaultName = 'dualparal';

function runKubectl(
  path: string,
  kubeconfig: string,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.signal ? { signal: options.signal } : {}),
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    // kubectl may end without reading its input.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

function openCluster(layout: ClusterLayout, bed: Bed, snapshotter: Snapshotter, kubectlPath: string): Cluster {
  return {
    ...layout,
    kubectlPath,
    kubectl: (args, options) => runKubectl(kubectlPath, layout.kubeconfig, args, options),
    importImage: (tarFile) => importImage(bed, snapshotter, tarFile),
  };
}

/** The cluster of this name if all its programs run, else null. */
export function findCluster(name: string = defaultName): Cluster | null {
  const state = readState(name);
  if (state === null || state.phase !== 'up') return null;
  const { slot, bed, snapshotter } = state;
  if (slot === null || bed === null || snapshotter === null) return null;
  const layout = clusterLayout(name, slot);
  const running = new Set(findProcesses(layout.folder).map((found) => found.component));
  if (!componentNames.every((component) => running.has(component))) return null;
  return openCluster(layout, bed, snapshotter, state.kubectl);
}

/** Waits until a node is ready and has its GPUs. */
export async function waitForNode(cluster: Cluster, node: string, gpus: number): Promise<void> {
  await waitFor(cluster, {
    what: `${node} to be ready with ${gpus} stand-in GPUs`,
    seconds: 180,
    components: componentNames,
    look: async () => {
      const answer = await cluster.kubectl(['get', 'node', node, '-o', 'json']);
      if (answer.code !== 0) return answer.stderr.trim();
      const { conditions, allocatable } = JSON.parse(answer.stdout).status;
      const ready = conditions?.find((condition: { type: string }) => condition.type === 'Ready');
      if (ready?.status !== 'True') return `Ready=${ready?.status}: ${ready?.message}`;
      const found = allocatable?.['nvidia.com/gpu'] ?? '0';
      return found === String(gpus) ? 'ok' : `${found} GPUs`;
    },
  });
}

async function waitForServiceAccount(cluster: Cluster): Promise<void> {
  await waitFor(cluster, {
    what: 'the default service account',
    seconds: 60,
    components: componentNames,
    look: async () => {
      const answer = await cluster.kubectl(['get', 'serviceaccount', 'default']);
      return answer.code === 0 ? 'ok' : answer.stderr.trim();
    },
  });
}

async function start(
  { name, gpus, owned, audit }: { name: string; gpus: number; owned: boolean; audit: boolean },
  report: (line: string) => void,
  binaries: Record<string, string>,
) {
  const folder = makeStateFolder(name);
  if (owned) startWatchdog(name);
  let state: ClusterState = {
    ...{ name, phase: 'starting', slot: null, bed: null, snapshotter: null },
    ...{ kubectl: binaries.kubectl ?? '', gpus },
  };
  const note = (change: Partial<ClusterState>) => {
    state = { ...state, ...change };
    writeState(state);
  };
  note({});
  const pauseTar = await pauseImageTar(binaries.pause ?? '');
  report(`opening namespaces in ${folder}`);
  const bed = await openBed(folder, binaries);
  const layout = claimLink(bed, (slot) => clusterLayout(name, slot));
  note({ bed, slot: layout.slot });
  configureLink(bed, layout);
  makeCertificates(layout);
  writeKubeconfigs(layout);
  await startControlPlane(layout, bed, audit, report);
  report('starting containerd, the kubelet, kube-proxy and DNS');
  startServices(layout, bed);
  const snapshotter = await startNode(layout, firstNode(layout), bed, { gpus, pauseTar });
  const cluster = openCluster(layout, bed, snapshotter, state.kubectl);
  report('waiting for the node');
  await waitForNode(cluster, nodeName, gpus);
  await waitForServiceAccount(cluster);
  note({ phase: 'up', snapshotter });
  return cluster;
}

/**
 * Starts a cluster, or returns the one of this name that is already up. Installs missing Debian packages and builds
 * what the cache lacks first. What a crash left of an earlier one is removed. Throws coded errors.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { name = defaultName, gpus = 8, owned = true, audit = false, report = () => {} } = options;
  const error = obstacle(readMachine());
  if (error !== null) throw error;
  await installPackages(missingPackages(), report);
  const go = findGo();
  if (go === null) throw clusterError('E_CLUSTER_NO_GO', { wanted: '' });
  const binaries = await buildBinaries(go, report);
  return withClusterLock(
    name,
    async () => {
      const running = findCluster(name);
      if (running !== null) return running;
      await removeCluster(name);
      try {
        return await start({ name, gpus, owned, audit }, report, binaries);
      } catch (failure) {
        await removeCluster(name);
        throw failure;
      }
    },
    report,
  );
}

/** Stops the cluster of this name and removes everything of it; does nothing where there is none. */
export async function stopCluster(name: string = defaultName): Promise<void> {
  await withClusterLock(name, () => removeCluster(name));
}
