/** Processes of a test, which their environment tells from all others. */
import { readdirSync, readFileSync } from 'node:fs';

/** A process that lives, and the words that it was started with, each closed by a zero byte. */
export interface MarkedProcess {
  readonly pid: number;
  readonly words: string;
}

/** Those whose environment holds the text, such as `NAME=value`. */
export function markedProcesses(mark: string): readonly MarkedProcess[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => read(`/proc/${pid}/environ`).includes(mark))
    .map((pid) => ({ pid: Number(pid), words: read(`/proc/${pid}/cmdline`) }));
}

/** Nothing where the process has just ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
