/**
 * `npm run gpu -- [--report FILE] [--parts NAME,…] [--device cuda|cpu] [--small]`: what the runner does on this machine's GPU, part
 * by part, within ten minutes; the report is written after each. `--device cpu --small` tries the program itself.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PartTask, Row } from './part.ts';
import { MOST_SECONDS, PARTS, type PartName } from './parts.ts';

interface PartReport {
  readonly seconds: number;
  /** "ended", an exit code, or the time limit. */
  readonly end: string;
  readonly rows: readonly Row[];
  /** The last lines of the process's other output, where it did not end well. */
  readonly output?: string;
}

const { values } = parseArgs({
  options: {
    report: { type: 'string', default: 'out/gpu.json' },
    parts: { type: 'string' },
    device: { type: 'string', default: 'cuda' },
    small: { type: 'boolean', default: false },
  },
});
const chosen = (values.parts?.split(',') ?? Object.keys(PARTS)) as PartName[];
const unknown = chosen.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`E_GPU_USAGE: no part ${unknown.join(', ')}; parts: ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

/** No part says anything in less. */
const LEAST_SECONDS = 5;

const folder = mkdtempSync(join(tmpdir(), 'dualparal-gpu-'));
const report: { machine: Record<string, string>; parts: Record<string, PartReport> } = {
  machine: machine(),
  parts: {},
};
mkdirSync(dirname(values.report), { recursive: true });
try {
  for (const name of chosen) {
    report.parts[name] = await runPart(name);
    writeFileSync(values.report, `${JSON.stringify(report, null, 1)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function machine(): Record<string, string> {
  const fields =
    'name,driver_version,memory.total,compute_cap,clocks.sm,clocks.max.sm,power.limit,pcie.link.gen.current';
  const { stdout } = spawnSync('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader'], { encoding: 'utf8' });
  return {
    [fields]: (stdout ?? '').trim(),
    node: process.version,
    library: process.env.DUALPARAL_ORT_LIBRARY ?? 'npm',
  };
}

async function runPart(part: PartName): Promise<PartReport> {
  const { seconds, command } = PARTS[part];
  const limit = Math.min(seconds, Math.floor(MOST_SECONDS - performance.now() / 1000));
  if (limit < LEAST_SECONDS) return { seconds: 0, end: `not begun: ${MOST_SECONDS} s are over`, rows: [] };
  const rows = join(folder, `${part}.jsonl`);
  const task: PartTask = { part, kind: values.device as PartTask['kind'], small: values.small, folder, rows };
  const [program, ...args] = command(JSON.stringify(task));
  const started = performance.now();
  console.log(`== ${part} (at most ${limit} s)`);
  const child = spawn(program!, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output.push(chunk.toString());
      process.stdout.write(chunk);
    });
  }
  let end = '';
  const timer = setTimeout(() => {
    end = `stopped after its ${limit} s`;
    // The whole group: a profiler starts the program as a child of its own.
    process.kill(-child.pid!, 'SIGKILL');
  }, limit * 1000);
  const code = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (exit, signal) => resolve(String(exit ?? signal)));
  });
  clearTimeout(timer);
  if (end === '') end = code === '0' ? 'ended' : `exit ${code}`;
  const found = existsSync(rows) ? readFileSync(rows, 'utf8').trim().split('\n').filter(Boolean) : [];
  const keep = PARTS[part].keepOutput || end !== 'ended' ? { output: output.join('').slice(-200_000) } : {};
  return {
    seconds: (performance.now() - started) / 1000,
    end,
    rows: found.map((line) => JSON.parse(line) as Row),
    ...keep,
  };
}
