import { readdirSync, readFileSync } from 'node:fs';

/**
 * Ends every process whose environment holds `variable=value`: what a process started that is gone now, in whatever process
 * group it is (an ffmpeg has one of its own). Where the system does not show environments in `/proc`, nothing happens.
 */
export function endProcessesWith(variable: string, value: string): void {
  const entry = `${variable}=${value}\0`;
  for (const pid of processes().filter((number) => number !== process.pid && environmentOf(number).includes(entry))) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

function processes(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Entries `NAME=value`, each closed by a zero byte; nothing for a process that is gone or belongs to somebody else. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}
