/**
 * `npm run faults -- [NAME…] [--stops N] [--crashes N] [--two-runs N] [--models N] [--seed S] [--json]`: repeats what tests do a
 * few times, many times, through the command line as a person uses it. Prints a table of counts; exit code 1 if a line fails.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crashesAtRandomMoments } from './crashes.ts';
import { damagedModels } from './models.ts';
import { stopAtRandomMoments } from './stops.ts';
import { describeLine, type FaultLine } from './table.ts';
import { twoRunsInOneFolder } from './two-runs.ts';

interface Fault {
  readonly usual: number;
  readonly repeat: (scratch: string, times: number, seed: number) => Promise<FaultLine>;
}

const progress = (done: number) => {
  if (done % 20 === 0) console.error(`${done} stops`);
};

const FAULTS = {
  stops: {
    usual: 200,
    repeat: (scratch, times, seed) => stopAtRandomMoments({ scratch, stops: times, seed, onStop: progress }),
  },
  crashes: { usual: 20, repeat: crashesAtRandomMoments },
  'two-runs': { usual: 20, repeat: twoRunsInOneFolder },
  models: { usual: 60, repeat: damagedModels },
} as const satisfies Record<string, Fault>;
type Name = keyof typeof FAULTS;
const NAMES = Object.keys(FAULTS) as Name[];

const HELP = `usage: npm run faults -- [NAME…] [--seed S] [--json] ${NAMES.map((name) => `[--${name} N]`).join(' ')}
names: ${NAMES.map((name) => `${name} (${FAULTS[name].usual})`).join(', ')}; all unless some are named`;

/** What the command line asks for; throws an error that says what is wrong. */
function readOptions() {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ seed: text, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      ...{ stops: text, crashes: text, 'two-runs': text, models: text },
    },
  });
  const unknown = positionals.filter((name) => !NAMES.includes(name as Name));
  if (unknown.length > 0) throw new Error(`nothing is named ${unknown.join(', ')}`);
  const whole = (name: Name | 'seed', usual: number) => {
    const value = Number(values[name] ?? usual);
    if (!Number.isInteger(value) || value < 0)
      throw new Error(`--${name} must be a whole number, found ${values[name]}`);
    return value;
  };
  const chosen = positionals.length > 0 ? (positionals as Name[]) : NAMES;
  return {
    runs: chosen.map((name) => ({ name, times: whole(name, FAULTS[name].usual) })),
    seed: whole('seed', 1),
    json: values.json === true,
    help: values.help === true,
  };
}

async function repeatAll({ runs, seed, json }: ReturnType<typeof readOptions>): Promise<readonly FaultLine[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'dualparal-faults-'));
  const lines: FaultLine[] = [];
  try {
    for (const { name, times } of runs) {
      const folder = join(scratch, name);
      mkdirSync(folder);
      const line = await FAULTS[name].repeat(folder, times, seed);
      lines.push(line);
      if (!json) console.log(describeLine(line).join('\n'));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return lines;
}

try {
  const options = readOptions();
  if (options.help) console.log(HELP);
  else {
    const lines = await repeatAll(options);
    if (options.json) console.log(JSON.stringify({ seed: options.seed, lines }, null, 2));
    if (lines.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
  }
} catch (error) {
  console.error(`E_FAULTS: ${error instanceof Error ? error.message : error}\n${HELP}`);
  process.exitCode = 2;
}
