/**
 * `npm run gpu -- [--report FILE] [--parts NAME,…] [--device cuda|cpu] [--small]`: what the runner does on this machine's GPUs, part
 * by part, within ten minutes; the report is written after each. `--device cpu --small` tries the program itself. Exit code: 0 all
 * that was judged holds, 1 something does not, failed or is missing, 2 wrong usage.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toErrorRecord } from '#contract/error.ts';
import { checkWritable } from '../bench/results-file.ts';
import { torchEnvironment } from '../torch/python.ts';
import { type GpuArguments, readArguments } from './arguments.ts';
import { cudaCache, cudaEnvironment, fetchCuda, keptByHand } from './cuda-libraries.ts';
import { machineOf, noGpu } from './machine.ts';
import type { PartTask } from './part.ts';
import { limitOf, MOST_SECONDS, PARTS, PARTS_USAGE, type PartName } from './parts.ts';
import { runProcess } from './run-process.ts';
import { ENDED, type PartReport, rowsIn, type Verdict, verdictLines, verdictOf } from './verdict.ts';

interface Report {
  readonly machine: Readonly<Record<string, unknown>>;
  readonly parts: Record<string, PartReport>;
  verdict: Verdict;
}

/** No part says anything in less. */
const LEAST_SECONDS = 5;

const asked = readArguments(process.argv.slice(2), tryReport);
if ('problem' in asked) {
  console.error(`E_GPU_USAGE: ${asked.problem}`);
  console.error(PARTS_USAGE);
  process.exit(2);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
const folder = mkdtempSync(join(tmpdir(), 'dualparal-gpu-'));
try {
  const { verdict } = await proof(asked);
  for (const line of verdictLines(verdict)) console.log(line);
  console.log(`report: ${asked.report}`);
  process.exitCode = verdict.holds ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** Throws where the report could not be written. */
function tryReport(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  checkWritable(file);
}

async function proof(given: GpuArguments): Promise<Report> {
  const expected = given.parts.map((name) => {
    const { judges } = PARTS[name];
    return { name, judges: judges === 'always' || judges === given.device };
  });
  const prepared = await prepare(given);
  const { environment } = prepared;
  const report: Report = {
    machine: machineOf(environment),
    parts: {},
    verdict: verdictOf(expected, {}, prepared.problem),
  };
  const write = () => {
    report.verdict = verdictOf(expected, report.parts, prepared.problem);
    try {
      writeFileSync(given.report, `${JSON.stringify(report, null, 1)}\n`);
    } catch (error) {
      // What was measured is printed all the same; a later part may find room again.
      console.error(`the report was not written: ${(error as Error).message}`);
    }
  };
  write();
  if (prepared.problem !== undefined) return report;
  // What is fetched once does not count.
  const started = performance.now();
  for (const [at, name] of given.parts.entries()) {
    if (stop.signal.aborted) break;
    const left = MOST_SECONDS - (performance.now() - started) / 1000;
    const limit = limitOf(
      given.parts.slice(at).map((each) => PARTS[each]),
      left,
    );
    report.parts[name] = await runPart(name, given, { limit, environment });
    write();
  }
  return report;
}

interface Prepared {
  readonly environment: NodeJS.ProcessEnv;
  /** Why no part can run. */
  readonly problem?: string;
}

/** The variables of the parts' processes: on a card with the provider and CUDA's libraries, unless they were named by hand. */
async function prepare({ device }: GpuArguments): Promise<Prepared> {
  const environment = process.env;
  if (device === 'cpu') return { environment };
  const problem = noGpu(environment);
  if (problem !== undefined) return { environment, problem };
  if (keptByHand(environment)) return { environment };
  const way = 'set LD_LIBRARY_PATH and DUALPARAL_ORT_LIBRARY (docs/gpu.md)';
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { environment, problem: `libraries for ${process.platform}/${process.arch} are not fetched: ${way}` };
  }
  try {
    const libraries = await fetchCuda({ cache: cudaCache(environment), report: (line) => console.log(`== ${line}`) });
    return { environment: { ...environment, ...cudaEnvironment(libraries, environment) } };
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    return { environment, problem: `${code}: ${message}; fetching CUDA's libraries failed, without it ${way}` };
  }
}

interface PartRun {
  readonly limit: number;
  readonly environment: NodeJS.ProcessEnv;
}

async function runPart(part: PartName, given: GpuArguments, { limit, environment }: PartRun): Promise<PartReport> {
  const { command, obstacle, isTorch, keepOutput } = PARTS[part];
  if (limit < LEAST_SECONDS) return { seconds: 0, end: `not begun: ${MOST_SECONDS} s are over`, rows: [] };
  const notRun = obstacle?.();
  if (notRun !== undefined) {
    console.log(`== ${part}: not run: ${notRun}`);
    return { seconds: 0, end: 'not begun', notRun, rows: [] };
  }
  console.log(`== ${part} (at most ${limit} s)`);
  const rows = join(folder, `${part}.jsonl`);
  const task: PartTask = { part, kind: given.device, small: given.small, folder, rows };
  const started = performance.now();
  const { end: found, output } = await runProcess({
    command: command(JSON.stringify(task)),
    environment: isTorch === true ? torchEnvironment(environment) : environment,
    seconds: limit,
    told: (chunk) => process.stdout.write(chunk),
    signal: stop.signal,
  });
  const end = found === '0' ? ENDED : found;
  return {
    seconds: (performance.now() - started) / 1000,
    end,
    rows: existsSync(rows) ? rowsIn(readFileSync(rows, 'utf8')) : [],
    ...(keepOutput === true || end !== ENDED ? { output: output.slice(-200_000) } : {}),
  };
}
