/**
 * `npm run faults -- [NAME…] [--stops N] [--crashes N] [--kill N] [--two-runs N] [--models N] [--operator N] [--seed S] [--json] [--put-back FAULT]`: repeats what tests do a
 * few times, many times, through the command line as a person uses it. Prints a table of counts; exit code 1 if a line fails.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FAULTS as OPERATOR_FAULTS } from '../simulate/faults.ts';
import { crashesAtRandomMoments } from './crashes.ts';
import { describeKill, killsAtRandomMoments } from './kills.ts';
import { damagedModels } from './models.ts';
import { operatorsBehindFaults } from './operator.ts';
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
  kill: {
    usual: 200,
    repeat: (scratch, times, seed) =>
      killsAtRandomMoments(scratch, times, seed, (kill) => console.error(describeKill(kill))),
  },
  'two-runs': { usual: 20, repeat: twoRunsInOneFolder },
  models: { usual: 60, repeat: damagedModels },
  operator: { usual: 500, repeat: operatorsBehindFaults },
} as const satisfies Record<string, Fault>;
type Name = keyof typeof FAULTS;
const NAMES = Object.keys(FAULTS) as Name[];

const HELP = `usage: npm run faults -- [NAME…] [--times N] [--seed S] [--json] ${NAMES.map((name) => `[--${name} N]`).join(' ')}
       npm run faults -- operator --put-back FAULT,…|all [--operator N]   with one mended fault of the operator at a time
names: ${NAMES.map((name) => `${name} (${FAULTS[name].usual})`).join(', ')}; all unless some are named`;

/** What the command line asks for; throws an error that says what is wrong. */
function readOptions() {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ seed: text, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      'put-back': text,
      ...{ times: text, stops: text, crashes: text, kill: text, 'two-runs': text, models: text, operator: text },
    },
  });
  const unknown = positionals.filter((name) => !NAMES.includes(name as Name));
  if (unknown.length > 0) throw new Error(`nothing is named ${unknown.join(', ')}`);
  const whole = (name: Name | 'seed', usual: number) => {
    const value = Number(values[name] ?? (name === 'seed' ? usual : (values.times ?? usual)));
    if (!Number.isInteger(value) || value < 0)
      throw new Error(`--${name} must be a whole number, found ${values[name]}`);
    return value;
  };
  const putBack =
    values['put-back'] === 'all' ? OPERATOR_FAULTS.map(({ name }) => name) : values['put-back']?.split(',');
  const strange = putBack?.find((name) => !OPERATOR_FAULTS.some((fault) => fault.name === name));
  if (strange !== undefined) throw new Error(`no fault of the operator is named ${strange}`);
  const chosen = positionals.length > 0 ? (positionals as Name[]) : NAMES;
  return {
    runs: chosen.map((name) => ({ name, times: whole(name, FAULTS[name].usual) })),
    seed: whole('seed', 1),
    json: values.json === true,
    help: values.help === true,
    putBack,
  };
}

/** Lives films under operators that have one mended fault each; prints a table, and says whether every one was found. */
async function putBackAll(faults: readonly string[], times: number, seed: number): Promise<boolean> {
  const scratch = mkdtempSync(join(tmpdir(), 'dualparal-faults-'));
  let isFound = true;
  try {
    for (const fault of faults) {
      const folder = join(scratch, fault);
      mkdirSync(folder);
      const { failures } = await operatorsBehindFaults(folder, times, seed, fault);
      isFound &&= failures.length > 0;
      const verdict = failures.length > 0 ? `found, ${failures.length} wrong` : 'NOT FOUND';
      console.log(`${fault.padEnd(22)} ${verdict.padEnd(18)} ${failures[0] ?? ''}`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return isFound;
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
  else if (options.putBack !== undefined) {
    const { times } = options.runs.find(({ name }) => name === 'operator') ?? { times: FAULTS.operator.usual };
    if (!(await putBackAll(options.putBack, times, options.seed))) process.exitCode = 1;
  } else {
    const lines = await repeatAll(options);
    if (options.json) console.log(JSON.stringify({ seed: options.seed, lines }, null, 2));
    if (lines.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
  }
} catch (error) {
  console.error(`E_FAULTS: ${error instanceof Error ? error.message : error}\n${HELP}`);
  process.exitCode = 2;
}
