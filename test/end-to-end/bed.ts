/** A cluster with the product in it, as its README installs it: what every end-to-end test starts from. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { buildImage } from '../../image/build.ts';
import { packModel } from '../../image/model-image.ts';
import { deeperModel } from '../build/deeper-model.ts';
import { type Cluster, type ClusterOptions, startCluster } from '../cluster/cluster.ts';
import { installPackages, missingPackages } from '../cluster/debian-packages.ts';
import { claimFolder, localClaim } from '../cluster/persistent-volume.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The names that chart and `deploy/` give the images, as a node spells them out. The bed's devices compute on the processor, so its runner is the CPU build. */
const PRODUCT_IMAGES = [
  { image: 'operator', name: 'docker.io/library/dualparal-operator:0.1.0' },
  { image: 'runner', name: 'docker.io/library/dualparal-runner:0.1.0-cuda' },
] as const;
export const MODEL_IMAGE = 'localhost/dualparal-model-tiny-wan:1';
export const SHALLOW_IMAGE = 'localhost/dualparal-model-shallow:1';
export const NAMESPACE = 'studio';
/** As many layers as the node has devices, so that eight stages have work. */
const LAYERS = 8;

/** Runs kubectl and expects it to succeed. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

export function kubectlOf(cluster: Cluster): Kubectl {
  return async (args, input = '') => {
    const answer = await cluster.kubectl(args, { input });
    expect(answer, `kubectl ${args.join(' ')}`).toMatchObject({ code: 0 });
    return answer.stdout;
  };
}

/** Starts a cluster with product and model in it, applies `crds/` and `deploy/`, and waits for the operator. */
export async function startProduct(name: string): Promise<Cluster> {
  const cluster = await startBed(name);
  const kubectl = kubectlOf(cluster);
  await kubectl(['apply', '-f', join(ROOT, 'crds'), '-f', join(ROOT, 'deploy')]);
  await kubectl(['-n', 'dualparal-system', 'rollout', 'status', 'deployment/dualparal-operator', '--timeout=240s']);
  return cluster;
}

/** Starts a cluster, imports product and model, and makes a namespace for films; nothing is installed. */
export async function startBed(name: string, options: Pick<ClusterOptions, 'audit'> = {}): Promise<Cluster> {
  const report = (line: string) => process.stderr.write(`[${name}] ${line}\n`);
  await installPackages(missingPackages(['cluster', 'image']), report);
  const built: string[] = [];
  for (const image of PRODUCT_IMAGES) built.push((await buildImage({ ...image, report })).tarFile);
  const cluster = await startCluster({ ...options, name, report });
  const kubectl = kubectlOf(cluster);
  for (const tarFile of built) await cluster.importImage(tarFile);
  await importModels(cluster);
  await kubectl(['create', 'namespace', NAMESPACE]);
  await kubectl(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted']);
  await kubectl(['apply', '-f', '-'], localClaim(cluster, { namespace: NAMESPACE, name: 'films' }));
  return cluster;
}

/** Imports what a film's pod needs into a node that has nothing yet. */
export async function importRunner(node: ImageStore): Promise<void> {
  const [, runner] = PRODUCT_IMAGES;
  await node.importImage((await buildImage(runner)).tarFile);
  await importModels(node);
}

type ImageStore = Pick<Cluster, 'importImage'>;

/** The deeper model, and the tiny one as it is, with fewer layers than the node has devices. */
async function importModels(store: ImageStore): Promise<void> {
  const tiny = join(ROOT, 'test/golden/data/tiny-wan');
  const folder = mkdtempSync(join(tmpdir(), 'dualparal-model-'));
  try {
    deeperModel(tiny, join(folder, 'model'), LAYERS);
    await packModel(join(folder, 'model'), MODEL_IMAGE, join(folder, 'deep.tar'));
    await packModel(tiny, SHALLOW_IMAGE, join(folder, 'shallow.tar'));
    await store.importImage(join(folder, 'deep.tar'));
    await store.importImage(join(folder, 'shallow.tar'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Folder of the claim that films are written to, as this machine sees it. */
export function filmsFolder(cluster: Cluster): string {
  return claimFolder(cluster, { namespace: NAMESPACE, name: 'films' });
}

/** A volume and its claim whose folder nobody but root may write. */
export function sealedClaim(cluster: Cluster, name: string): string {
  return hostPathClaim(cluster, name, 0o755);
}

/** A volume and its claim that pods of every node reach, and may write. */
export function sharedClaim(cluster: Cluster, name: string): string {
  return hostPathClaim(cluster, name, 0o777);
}

/** The folder of a hostPath volume is given to no group. */
function hostPathClaim(cluster: Cluster, name: string, mode: number): string {
  const path = join(cluster.work, name);
  mkdirSync(path);
  chmodSync(path, mode);
  const shared = { storageClassName: '', accessModes: ['ReadWriteOnce'] };
  const storage = { storage: '1Gi' };
  const volume = { ...shared, capacity: storage, hostPath: { path }, claimRef: { namespace: NAMESPACE, name } };
  const claim = { ...shared, volumeName: name, resources: { requests: storage } };
  const items = [
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: volume },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: NAMESPACE }, spec: claim },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** A film on eight devices; `changes` go over its spec. */
export function filmManifest(name: string, changes: object = {}): string {
  return JSON.stringify({
    apiVersion: 'dualparal.io/v1alpha1',
    kind: 'VideoGeneration',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      prompt: 'a red circle moving to the right',
      seed: 7,
      length: { frames: 101 },
      size: { width: 64, height: 48 },
      model: { ref: 'tiny-wan', source: { image: { reference: MODEL_IMAGE, pullPolicy: 'Never' } } },
      sampling: { steps: 12 },
      parallelism: { gpus: LAYERS, blockLatents: 4, contextLatents: 2 },
      output: { persistentVolumeClaim: { claimName: 'films' } },
      ...changes,
    },
  });
}

/** Sets how many replicas of the operator there are; resolves, where none shall be, once none is there. */
export async function scaleOperator(kubectl: Kubectl, replicas: number): Promise<void> {
  const system = ['-n', 'dualparal-system'];
  await kubectl([...system, 'scale', 'deployment/dualparal-operator', `--replicas=${replicas}`]);
  if (replicas > 0) return;
  const operators = () => kubectl([...system, 'get', 'pods', '-o', 'name']);
  await vi.waitUntil(async () => (await operators()) === '', { timeout: 240_000, interval: 300 });
}

/** Status of a film; empty before the operator has seen it. */
export async function statusOf(kubectl: Kubectl, name: string, namespace: string = NAMESPACE) {
  const text = await kubectl(['-n', namespace, 'get', 'vg', name, '-o', 'json']);
  return (JSON.parse(text).status ?? {}) as FilmStatus;
}

/** As much of the status as the tests look at. */
export interface FilmStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly observedGeneration: number;
  }[];
  readonly plan?: {
    readonly latents: number;
    readonly blocks: number;
    readonly stages: readonly { readonly device: string; readonly firstLayer: number; readonly endLayer: number }[];
  };
  readonly progress?: { readonly percent: number; readonly framesReady: number; readonly phase: string };
  readonly attempts?: readonly {
    readonly pod?: string;
    readonly podUid?: string;
    readonly node?: string;
    readonly outcome: string;
    readonly exitCode?: number;
    readonly reason?: string;
    readonly gpus?: number;
    readonly gpusReason?: string;
    readonly resumedFromIteration?: number;
    readonly checkpointIteration?: number;
    readonly gpuSeconds?: number;
    readonly lostGpuSeconds?: number;
  }[];
  readonly usage?: { readonly gpuSeconds: number; readonly lostGpuSeconds: number };
  readonly output?: {
    readonly location: string;
    readonly frames: number;
    readonly seconds: number;
    readonly bytes: number;
    readonly sha256: string;
  };
}

/** Waits until the film's phase is one of `phases` and gives its status. */
export async function waitForPhase(
  kubectl: Kubectl,
  name: string,
  phases: readonly string[],
  namespace: string = NAMESPACE,
): Promise<FilmStatus> {
  let status: FilmStatus = {};
  const arrived = async () => {
    status = await statusOf(kubectl, name, namespace);
    return phases.includes(status.phase ?? '');
  };
  await vi.waitUntil(arrived, { timeout: 300_000, interval: 300 }).catch((error: Error) => {
    throw new Error(`${name} did not become ${phases.join(' or ')}: ${JSON.stringify(status)}`, { cause: error });
  });
  return status;
}

/** File of a film, from the location that the status gives (`pvc://films/…`). */
export function filmFile(cluster: Cluster, location: string): string {
  const path = join(filmsFolder(cluster), location.replace(/^pvc:\/\/films\//, ''));
  if (!existsSync(path)) throw new Error(`there is no ${path}`);
  return path;
}
