/**
 * The processes of a cluster, known by a mark in their environment: no list of process ids can be stale or lost with a
 * crash, and no process that the bed did not start carries the mark.
 */

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterError } from './errors.ts';

const folderMark = 'DUALPARAL_CLUSTER_FOLDER';
const componentMark = 'DUALPARAL_CLUSTER_COMPONENT';

export interface MarkedProcess {
  readonly pid: number;
  readonly component: string;
  readonly residentBytes: number;
}

/** Environment of a component of the cluster in this folder. */
export function markedEnvironment(folder: string, component: string, path: string): Record<string, string> {
  return { PATH: path, HOME: '/root', LC_ALL: 'C.UTF-8', [folderMark]: folder, [componentMark]: component };
}

/** The two marks of a `/proc/PID/environ`, or null where the folder's is another. */
export function readMark(environment: string, folder: string): string | null {
  const entries = environment.split('\0');
  if (!entries.includes(`${folderMark}=${folder}`)) return null;
  const component = entries.find((entry) => entry.startsWith(`${componentMark}=`));
  return component?.slice(componentMark.length + 1) ?? '';
}

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

/** All processes with the mark of this folder. */
export function findProcesses(folder: string): MarkedProcess[] {
  const found: MarkedProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const component = readMark(readFileSync(`/proc/${pid}/environ`, 'utf8'), folder);
      if (component !== null) found.push({ pid, component, residentBytes: residentBytes(pid) });
    } catch {
      // The process ended while it was looked at.
    }
  }
  return found;
}

export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** When the process began, in clock ticks after boot; null when it is no more. With the id it names a process for good. */
export function startTicks(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may itself hold spaces and parentheses.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return null;
  }
}

export interface Launch {
  readonly folder: string;
  readonly component: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly path: string;
  readonly logFile: string;
}

/** Starts a process that outlives this one, its output in the log file. Returns its id. */
export function launch(options: Launch): number {
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const child = spawn(options.command, options.args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: markedEnvironment(options.folder, options.component, options.path),
      cwd: '/',
    });
    // A command that cannot be started shows up as a component that is not there.
    child.on('error', () => {});
    child.unref();
    return child.pid ?? 0;
  } finally {
    closeSync(log);
  }
}

/** Runs a short command to its end and returns its output; throws with the end of its error text. */
export function runCommand(command: string, args: readonly string[], input?: string | Buffer): string {
  const run = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    maxBuffer: 1 << 26,
    ...(input === undefined ? {} : { input }),
  });
  if (run.error !== undefined || run.status !== 0) {
    const status = run.error?.message ?? `exit status ${run.status}`;
    const tail = (run.stderr ?? '').trim().slice(-800);
    throw clusterError('E_CLUSTER_COMMAND', { command: [command, ...args].join(' ').slice(0, 300), status, tail });
  }
  return run.stdout;
}

/** The last lines of a component's log. */
export function logTail(folder: string, component: string, characters = 1500): string {
  try {
    return readFileSync(join(folder, 'logs', `${component}.log`), 'utf8').slice(-characters);
  } catch {
    return '';
  }
}
