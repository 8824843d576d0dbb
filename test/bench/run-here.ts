/** Runs the benchmarks (all, or those named) in this process, and prints and writes their rows; `run.ts` starts it. */
import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bench, type BenchRequest, lineOf, ratioOf } from './bench.ts';
import { WIDTHS } from './layers-cases.ts';
import { checkWritable, writeResults } from './results-file.ts';
import { type BenchResult, exitCodeOf, FAILED, runBench } from './run-bench.ts';
import { misuse, sizesOf } from './usage.ts';

const SUFFIX = '.bench.ts';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();

const HELP = `usage: npm run bench -- [NAME…] [--device cpu|cuda] [--tokens N,…] [--width WIDTH,…] [--peer DIR] [--size NAME=N]… [--json FILE]
benchmarks: ${names.join(', ')}; all where none is named. test/bench/README.md says what each measures, and how long it takes
  --device  cuda: the benchmarks that measure a card; the others say that they do not
  --tokens  of \`layers\`: other lengths of windows than its own
  --width   of \`layers\`: some of ${WIDTHS.join(', ')}
  --peer    of \`operator\`: folder of the operator in Go that it is measured beside
  --size    of \`operator\`: other sizes than its own, such as films=2000
  --json    writes all rows, with processor and versions, after each benchmark
What none of the named benchmarks reads is wrong usage, and so is a file that cannot be written.
DUALPARAL_TORCH_PYTHON names a Python with PyTorch (for \`film\` also diffusers, transformers and accelerate)
exit code: 0 all figures hold, 1 one does not, 2 wrong usage, 3 a benchmark could not run, 4 one failed, or --json or the screen could not be
written (each says why), 130 or 143 stopped by a signal: nothing that runs is left, nor what lay in its temporary folder`;

interface Parsed extends BenchRequest {
  readonly chosen: readonly string[];
  readonly json: string | undefined;
  readonly help: boolean | undefined;
}

function parse(): Parsed {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      device: { type: 'string', default: 'cpu' },
      tokens: { type: 'string' },
      width: { type: 'string' },
      peer: { type: 'string' },
      size: { type: 'string', multiple: true },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no benchmark named ${unknown.join(', ')}`);
  const { device } = values;
  if (device !== 'cpu' && device !== 'cuda') throw new Error(`--device is ${device}, wanted cpu or cuda`);
  const tokens = values.tokens?.split(',').map(Number);
  if (tokens?.some((count) => !Number.isInteger(count) || count < 1)) throw new Error(`--tokens is ${values.tokens}`);
  const widths = values.width?.split(',');
  if (widths?.some((width) => !WIDTHS.some((known) => known === width))) throw new Error(`--width is ${values.width}`);
  return {
    chosen: positionals.length > 0 ? positionals : names,
    device,
    ...(tokens === undefined ? {} : { tokens }),
    ...(widths === undefined ? {} : { widths }),
    ...(values.peer === undefined ? {} : { peer: values.peer }),
    sizes: sizesOf(values.size ?? []),
    json: values.json,
    help: values.help,
  };
}

type Benches = Readonly<Record<string, Bench>>;

async function benchesOf({ chosen }: Parsed): Promise<Benches> {
  const entries = chosen.map(async (name): Promise<[string, Bench]> => {
    const { bench } = (await import(`./${name}${SUFFIX}`)) as { bench: Bench };
    return [name, bench];
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function runAll({ json, chosen: _, help: __, ...request }: Parsed, benches: Benches): Promise<void> {
  const results: Record<string, BenchResult> = {};
  let unwritten = false;
  for (const [name, bench] of Object.entries(benches)) {
    console.log(`${name}: ${bench.title}`);
    const result = await runBench(bench, request, (row) => console.log(`  ${lineOf(row)}`));
    if (!(bench.devices ?? ['cpu']).includes(request.device)) console.log(`  it does not measure ${request.device}`);
    if (result.notRun !== undefined) console.log(`  not run: ${result.notRun}`);
    if (result.failed !== undefined) console.log(`  failed: ${result.failed}`);
    results[name] = result;
    if (json !== undefined) unwritten = keep(json, recordOf(request, results));
  }
  process.exitCode = unwritten ? FAILED : exitCodeOf(Object.values(results));
}

/** True where it could not be written, as it could before: what has been measured is on the screen, and more may come. */
function keep(json: string, record: object): boolean {
  try {
    writeResults(json, record);
    return false;
  } catch (error) {
    console.error(`  not written: ${error instanceof Error ? error.message : error}`);
    return true;
  }
}

function recordOf(request: BenchRequest, results: Readonly<Record<string, BenchResult>>) {
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const withRatios = ({ rows, ...rest }: BenchResult) => ({
    ...rest,
    rows: rows.map((row) => ({ ...row, ratio: ratioOf(row) })),
  });
  const benches = Object.fromEntries(Object.entries(results).map(([name, result]) => [name, withRatios(result)]));
  return { ...machine, ...request, benches };
}

/** What is to be run; undefined where there is nothing to do, which has been said. */
async function begun(): Promise<{ readonly request: Parsed; readonly benches: Benches } | undefined> {
  try {
    const request = parse();
    if (request.help === true) {
      console.log(HELP);
      return undefined;
    }
    const benches = await benchesOf(request);
    const problem = misuse(benches, request);
    if (problem !== undefined) throw new Error(problem);
    if (request.json !== undefined) checkWritable(request.json);
    return { request, benches };
  } catch (error) {
    console.error(`E_BENCH_USAGE: ${error instanceof Error ? error.message : error}\n${HELP}`);
    process.exitCode = 2;
    return undefined;
  }
}

const run = await begun();
if (run !== undefined) await runAll(run.request, run.benches);
