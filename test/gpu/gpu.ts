/**
 * `npm run gpu -- [--report FILE] [--parts NAME,…] [--device cuda|cpu] [--small]`: what the runner does on this machine's GPUs, part
 * by part, within ten minutes; the report is written after each. `--device cpu --small` tries the program itself. Exit code: 0 all
 * that was judged holds, 1 something does not, failed or is missing, 2 wrong usage, 4 the report could not be written.
 */

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkWritable, writeResults } from '../bench/results-file.ts';
import { FAILED } from '../bench/run-bench.ts';
import { torchEnvironment } from '../torch/python.ts';
import { type GpuArguments, readArguments } from './arguments.ts';
import { absolutePaths, cudaCache, cudaEnvironment, keptByHand, partialFolder } from './cuda-libraries.ts';
import type { FetchResult, FetchTask } from './fetch-cuda.ts';
import { machineOf, noGpu } from './machine.ts';
import type { PartTask } from './part.ts';
import { limitOf, MOST_SECONDS, PARTS, PARTS_USAGE, type PartName } from './parts.ts';
import { runProcess } from './run-process.ts';
import { type Stoppable, untilStopped } from './until-stopped.ts';
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

/** Two gigabytes, from whichever index this machine is set up for. */
const FETCH_SECONDS = 3600;

const { report, unwritten } = (await untilStopped('dualparal-gpu-', (stoppable) => proof(asked, stoppable))).found;
for (const line of verdictLines(report.verdict)) console.log(line);
if (unwritten === undefined) console.log(`report: ${asked.report}`);
else console.error(`E_GPU_REPORT: the report was not written: ${unwritten}`);
process.exitCode = unwritten === undefined ? Number(!report.verdict.holds) : FAILED;

/** Throws where the report could not be written. */
function tryReport(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  checkWritable(file);
}

interface Proof {
  readonly report: Report;
  /** Why the report as a whole is not in its file. */
  readonly unwritten: string | undefined;
}

async function proof(given: GpuArguments, stoppable: Stoppable): Promise<Proof> {
  const expected = given.parts.map((name) => {
    const { judges } = PARTS[name];
    return { name, judges: judges === 'always' || judges === given.device };
  });
  const prepared = await prepare(given, stoppable);
  const { environment } = prepared;
  const report: Report = {
    machine: await machineOf(environment, stoppable.signal),
    parts: {},
    verdict: verdictOf(expected, {}, prepared.problem),
  };
  let unwritten: string | undefined;
  const write = () => {
    report.verdict = verdictOf(expected, report.parts, prepared.problem);
    try {
      writeResults(given.report, report);
      unwritten = undefined;
    } catch (error) {
      // What was measured is printed all the same; a later part may find room again.
      unwritten = (error as Error).message;
      console.error(`the report was not written: ${unwritten}`);
    }
  };
  write();
  if (prepared.problem !== undefined) return { report, unwritten };
  // What is fetched once does not count.
  const started = performance.now();
  for (const [at, name] of given.parts.entries()) {
    if (stoppable.signal.aborted) break;
    const left = MOST_SECONDS - (performance.now() - started) / 1000;
    const limit = limitOf(
      given.parts.slice(at).map((each) => PARTS[each]),
      left,
    );
    report.parts[name] = await runPart(name, given, { ...stoppable, limit, environment });
    write();
  }
  return { report, unwritten };
}

interface Prepared {
  readonly environment: NodeJS.ProcessEnv;
  /** Why no part can run. */
  readonly problem?: string;
}

/** The variables of the parts' processes: on a card with the provider and CUDA's libraries, unless they were named by hand. */
async function prepare({ device }: GpuArguments, stoppable: Stoppable): Promise<Prepared> {
  // What a part that is killed leaves behind goes with the folder.
  const environment = { ...absolutePaths(process.env), TMPDIR: stoppable.folder };
  if (device === 'cpu') return { environment };
  const problem = await noGpu(environment, stoppable.signal);
  if (problem !== undefined) return { environment, problem };
  if (keptByHand(environment)) return { environment };
  const way = 'set LD_LIBRARY_PATH and DUALPARAL_ORT_LIBRARY (docs/gpu.md)';
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { environment, problem: `libraries for ${process.platform}/${process.arch} are not fetched: ${way}` };
  }
  const libraries = await fetchLibraries(environment, stoppable);
  if ('problem' in libraries) {
    return { environment, problem: `${libraries.problem}; fetching CUDA's libraries failed, without it ${way}` };
  }
  return { environment: { ...environment, ...cudaEnvironment(libraries, environment) } };
}

/** In a process of its own, which a stop or its time ends with all that it has started. */
async function fetchLibraries(environment: NodeJS.ProcessEnv, { signal, folder }: Stoppable): Promise<FetchResult> {
  const cache = cudaCache(environment);
  const task: FetchTask = { cache, partial: partialFolder(cache), result: join(folder, 'libraries.json') };
  try {
    const { end, output } = await runProcess({
      command: [process.execPath, join(import.meta.dirname, 'fetch-cuda.ts'), JSON.stringify(task)],
      environment,
      seconds: FETCH_SECONDS,
      told: (chunk) => process.stdout.write(chunk),
      signal,
    });
    if (existsSync(task.result)) return JSON.parse(readFileSync(task.result, 'utf8')) as FetchResult;
    return { problem: `${end}: ${output.slice(-2000)}` };
  } finally {
    rmSync(task.partial, { recursive: true, force: true });
  }
}

interface PartRun extends Stoppable {
  readonly limit: number;
  readonly environment: NodeJS.ProcessEnv;
}

async function runPart(part: PartName, given: GpuArguments, run: PartRun): Promise<PartReport> {
  const { limit, environment, folder, signal } = run;
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
    signal,
  });
  const end = found === '0' ? ENDED : found;
  return {
    seconds: (performance.now() - started) / 1000,
    end,
    rows: existsSync(rows) ? rowsIn(readFileSync(rows, 'utf8')) : [],
    ...(keepOutput === true || end !== ENDED ? { output: output.slice(-200_000) } : {}),
  };
}
