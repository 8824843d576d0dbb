/** Takes a cluster away, whether it is up, half started or left by a crash, and makes sure that nothing of it stays. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeCgroups } from './cgroups.ts';
import { clusterError } from './errors.ts';
import { clusterFolder, clusterLayout, stateRoot } from './layout.ts';
import { withLock } from './lock.ts';
import { findProcesses, killProcess } from './processes.ts';
import { readState } from './state.ts';

const patienceSeconds = 30;

/** Tries until nothing is left; `attempt` returns what is. */
async function untilNothing(name: string, what: string, attempt: () => readonly (string | number)[]): Promise<void> {
  const deadline = performance.now() + patienceSeconds * 1000;
  for (;;) {
    const left = attempt();
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      const detail = left.join(' ');
      throw clusterError('E_CLUSTER_LEFTOVER', { name, what, seconds: patienceSeconds, detail });
    }
    await sleep(100);
  }
}

/** Mount points of this machine inside a folder. */
export function mountsInside(folder: string, mountInfo: string): string[] {
  return mountInfo.split('\n').flatMap((line) => {
    const mountPoint = line.split(' ')[4] ?? '';
    return mountPoint === folder || mountPoint.startsWith(`${folder}/`) ? [mountPoint] : [];
  });
}

/**
 * Stops and removes everything of a cluster; does nothing where there is nothing.
 * Killing the bed's first process ends all processes, mounts, links and network namespaces in the bed; what the machine
 * itself holds is the marked processes, one link (which ends with the bed's network), the cgroups and the folder.
 */
export async function removeCluster(name: string): Promise<void> {
  const folder = clusterFolder(name);
  const slot = readState(name)?.slot ?? null;
  await untilNothing(name, 'a process', () => {
    const pids = findProcesses(folder).map((found) => found.pid);
    for (const pid of pids) killProcess(pid);
    return pids;
  });
  if (slot !== null) {
    const { link } = clusterLayout(name, slot);
    // It goes with the bed's network too, but the kernel may take a minute to clean that up.
    const isThere = () => existsSync(`/sys/class/net/${link}`);
    if (isThere()) spawnSync('ip', ['link', 'delete', link]);
    await untilNothing(name, 'the link', () => (isThere() ? [link] : []));
  }
  await untilNothing(name, 'a cgroup', () => removeCgroups(clusterLayout(name, 0).cgroup));
  if (!existsSync(folder)) return;
  // Never delete through a mount, which could hold the files of someone else.
  await untilNothing(name, 'a mount', () => mountsInside(folder, readFileSync('/proc/self/mountinfo', 'utf8')));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** Runs `work` while no other process starts or removes the cluster of this name. */
export async function withClusterLock<T>(
  name: string,
  work: () => Promise<T>,
  report: (line: string) => void = () => {},
): Promise<T> {
  const lockFile = join(stateRoot, `.${basename(clusterFolder(name))}.lock`);
  const wait = (owner: number) => report(`waiting for process ${owner}, which is starting or stopping cluster ${name}`);
  try {
    return await withLock(lockFile, wait, work);
  } finally {
    try {
      rmdirSync(stateRoot);
    } catch {
      // A cluster has its folder in there.
    }
  }
}
