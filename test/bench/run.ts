/** `npm run bench -- [NAME…] [--json FILE]`: runs the benchmarks of this folder (all, or those named) and prints their ratios. */
import { readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bench, type BenchRow, ratioOf } from './bench.ts';

const SUFFIX = '.bench.ts';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();

const HELP = `usage: npm run bench -- [NAME…] [--json FILE]\nbenchmarks: ${names.join(', ')}`;

function line(row: BenchRow): string {
  const value = (number: number) => Number(number.toPrecision(4));
  const verdict = row.threshold === undefined ? '' : `; ${row.threshold}: ${row.holds ? 'holds' : 'does not hold'}`;
  return `  ${row.measure}: ${value(row.ours)} ${row.unit}; ${row.peer}: ${value(row.theirs)} ${row.unit}; ratio ${ratioOf(row).toFixed(3)}${verdict}`;
}

async function runAll(chosen: readonly string[]): Promise<Record<string, readonly BenchRow[]>> {
  const results: Record<string, readonly BenchRow[]> = {};
  for (const name of chosen) {
    const { bench } = (await import(`./${name}${SUFFIX}`)) as { bench: Bench };
    console.log(`${name}: ${bench.title}`);
    const rows = await bench.run();
    for (const row of rows) console.log(line(row));
    results[name] = rows;
  }
  return results;
}

function parse(): { chosen: readonly string[]; json: string | undefined; help: boolean | undefined } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no benchmark named ${unknown.join(', ')}`);
  return { chosen: positionals.length > 0 ? positionals : names, json: values.json, help: values.help };
}

try {
  const { chosen, json, help } = parse();
  if (help) console.log(HELP);
  else {
    const results = await runAll(chosen);
    const rows = Object.fromEntries(
      Object.entries(results).map(([name, list]) => [name, list.map((row) => ({ ...row, ratio: ratioOf(row) }))]),
    );
    if (json)
      writeFileSync(json, `${JSON.stringify({ processor: cpus()[0]?.model, node: process.version, rows }, null, 2)}\n`);
  }
} catch (error) {
  console.error(`E_BENCH_USAGE: ${error instanceof Error ? error.message : error}\n${HELP}`);
  process.exitCode = 2;
}
