/** A lock between processes: a file that holds its owner's id, taken over when that process is no more. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

function tryLock(path: string): boolean {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOENT: the folder was removed between the two calls.
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

/** The owner's process id; 0 where the file is not there or still empty. */
function ownerOf(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  return pid > 0 && existsSync(`/proc/${pid}`);
}

/** Runs `work` while this process holds the lock; `onWait` hears once of the process that holds it now. */
export async function withLock<T>(path: string, onWait: (owner: number) => void, work: () => Promise<T>): Promise<T> {
  let told = false;
  while (!tryLock(path)) {
    const owner = ownerOf(path);
    if (isAlive(owner)) {
      if (!told) onWait(owner);
      told = true;
      await sleep(200);
      continue;
    }
    // A file just made may still be empty: look twice before taking it for that of a dead process.
    await sleep(300);
    if (ownerOf(path) === owner && !isAlive(owner)) rmSync(path, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}
