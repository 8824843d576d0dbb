import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether the process is there, and no more than what its parent has not looked at. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits for the end of a process; false where it does not come. */
export async function isGone(pid: number): Promise<boolean> {
  for (let look = 0; look < 200 && lives(pid); look++) await sleep(25);
  return !lives(pid);
}
