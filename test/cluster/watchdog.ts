/**
 * Takes a cluster away when the process that owns it is gone, however it ended: `node watchdog.ts NAME PID START`.
 * It runs detached, and ends by itself when the cluster is taken away or started anew.
 */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { clusterFolder } from './layout.ts';
import { startTicks } from './processes.ts';
import { removeCluster, withClusterLock } from './teardown.ts';

/** Starts a watchdog for the cluster of this name, owned by the calling process. */
export function startWatchdog(name: string): void {
  const start = String(startTicks(process.pid));
  const args = [fileURLToPath(import.meta.url), name, String(process.pid), start];
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: { PATH: process.env.PATH },
  });
  child.on('error', () => {});
  child.unref();
}

/** Tells a folder from a later one of the same name. */
function folderIdentity(name: string): string | null {
  try {
    const { ino, birthtimeMs } = statSync(clusterFolder(name));
    return `${ino} ${birthtimeMs}`;
  } catch {
    return null;
  }
}

async function watch(name: string, owner: number, start: number): Promise<void> {
  const watched = folderIdentity(name);
  while (watched !== null && folderIdentity(name) === watched) {
    if (startTicks(owner) !== start) {
      await withClusterLock(name, async () => {
        // Whoever held the lock before may have started another cluster of this name.
        if (folderIdentity(name) === watched) await removeCluster(name);
      });
      return;
    }
    await sleep(500);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = '', owner = '', start = ''] = process.argv.slice(2);
  await watch(name, Number(owner), Number(start));
}
