/** What is written down about a running cluster, so that another process can use it or take it away. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { clusterError } from './errors.ts';
import { clusterFolder, stateRoot } from './layout.ts';
import type { Snapshotter } from './node-config.ts';

export interface ClusterState {
  readonly name: string;
  /** `starting` until the node is ready: a cluster left in it is taken away by the next start. */
  readonly phase: 'starting' | 'up';
  readonly slot: number | null;
  readonly bed: Bed | null;
  readonly snapshotter: Snapshotter | null;
  /** Path of kubectl. */
  readonly kubectl: string;
  readonly gpus: number;
}

function requirePrivate(folder: string): void {
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw clusterError('E_CLUSTER_FOLDER', { folder });
  chmodSync(folder, 0o700);
}

/** Makes the cluster's folder, which only its owner may enter. */
export function makeStateFolder(name: string): string {
  const folder = clusterFolder(name);
  for (const path of [stateRoot, folder]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    requirePrivate(path);
  }
  for (const inner of ['logs', 'work']) mkdirSync(join(folder, inner), { recursive: true });
  return folder;
}

export function writeState(state: ClusterState): void {
  const file = join(clusterFolder(state.name), 'state.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The state of a cluster, or null where there is none or its start was cut off before anything was started. */
export function readState(name: string): ClusterState | null {
  try {
    return JSON.parse(readFileSync(join(clusterFolder(name), 'state.json'), 'utf8')) as ClusterState;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') throw clusterError('E_CLUSTER_NOT_ROOT', { missing: '' });
    if (code === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Names of all clusters that left a folder. */
export function clusterNames(): string[] {
  try {
    return readdirSync(stateRoot)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch {
    return [];
  }
}
