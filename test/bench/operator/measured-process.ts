/** A process that is looked at from outside: its memory, and the numbers that it tells of itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface MeasuredProcess {
  residentBytes(): number;
  /** Seconds of processor time so far. */
  processorSeconds(): number;
  /** Sum of a series over all its labels that hold `label`; 0 where it is not there (yet). */
  total(series: string, label?: string): Promise<number>;
  /** Waits until the sum is at least so much; throws if the process ends or the time is up. */
  reached(series: string, label: string, least: number): Promise<void>;
  stop(): Promise<void>;
}

export interface Started {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where it tells its numbers. */
  readonly metrics: string;
  /** Whether the command only starts the process and waits for it. */
  readonly wrapped?: boolean;
}

const LONGEST_MS = 600_000;
const TICKS_PER_SECOND = 100;

/** Starts a process, and stops it with SIGTERM. */
export function startMeasured({
  command: [command = '', ...args],
  env,
  metrics,
  wrapped = false,
}: Started): MeasuredProcess {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log = `${log}${text}`.slice(-4000);
    });
  const ended = once(child, 'exit');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const pid = () => (wrapped ? (onlyChild(child) ?? 0) : (child.pid ?? 0));
  const total = async (series: string, label = '') => {
    const text = await fetch(metrics).then(
      (answer) => answer.text(),
      () => '',
    );
    return sumOf(text, series, label);
  };
  return {
    residentBytes: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid()}/status`, 'utf8'))?.[1]) * 1024,
    processorSeconds() {
      const fields = readFileSync(`/proc/${pid()}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    total,
    async reached(series, label, least) {
      for (const from = performance.now(); (await total(series, label)) < least; await sleep(100)) {
        if (hasEnded()) throw new Error(`it has ended: ${log}`);
        if (performance.now() - from > LONGEST_MS) throw new Error(`${series} stays below ${least}: ${log}`);
      }
    },
    async stop() {
      if (hasEnded()) return;
      const found = pid();
      if (found !== 0) process.kill(found, 'SIGTERM');
      await ended;
    },
  };
}

function onlyChild({ pid }: ChildProcess): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? undefined : Number(children.split(' ')[0]);
}

/** Sum of a series in Prometheus' text format. */
function sumOf(text: string, series: string, label: string): number {
  const values = text
    .split('\n')
    .filter((line) => (line.startsWith(`${series} `) || line.startsWith(`${series}{`)) && line.includes(label))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return values.reduce((sum, value) => sum + value, 0);
}
