import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process as others can recognise it. */
export interface ProcessName {
  readonly host: string;
  /** Host, its start and the space in which process numbers count: numbers can be compared only within one place. */
  readonly place: string;
  readonly pid: number;
  /** When the process began, as its system counts: tells it from a later one of the same number. Empty where unknown. */
  readonly began: string;
}

/** What is known of a process from here. */
export type Sight = 'alive' | 'dead' | 'unknown';

/** This process. */
export function thisProcess(): ProcessName {
  const host = hostname();
  const boot = readOr(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const space = readOr(() => readlinkSync('/proc/self/ns/pid'));
  return { host, place: [host, boot, space].join(' '), pid: process.pid, began: statOf(process.pid)?.began ?? '' };
}

/** Whether `other` still runs, as far as this process can see: nothing is known of other machines and containers. */
export function seeProcess(other: ProcessName): Sight {
  if (other.place !== thisProcess().place) return 'unknown';
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead';
  }
  const stat = statOf(other.pid);
  if (stat === undefined || other.began === '') return 'unknown';
  return stat.began === other.began && !stat.isOver ? 'alive' : 'dead';
}

/** From Linux' `/proc/PID/stat`: the fields after the command's name, which may hold anything, stand after the last bracket. */
function statOf(pid: number): { readonly began: string; readonly isOver: boolean } | undefined {
  const text = readOr(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const began = fields[19];
  return began === undefined ? undefined : { began, isOver: /^[ZX]/.test(fields[0] ?? '') };
}

function readOr(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
