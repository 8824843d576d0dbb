/** `npm run golden -- DIR [--json]`: our numbers against a folder of reference numbers, one line per group of tensors. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toErrorRecord } from '#contract/error.ts';
import { EXITS } from '#contract/exit.ts';
import type { Comparison, GroupCheck } from './compare.ts';
import { dualparalChecks } from './groups/dualparal.ts';
import { pipelineCheck } from './groups/pipeline.ts';
import { schedulerCheck } from './groups/schedulers.ts';
import { textChecks } from './groups/text.ts';
import { transformerChecks } from './groups/transformer.ts';
import { vaeCheck } from './groups/vae.ts';

const HELP = `usage: npm run golden -- DIR [--json]
Compares every group of DIR (the format is in test/golden/data/README.md). Exit code ${EXITS.golden.code} when a number is
outside its bound or a group is missing.`;

/** A group's comparison, or why it could not be made. */
type Line = Comparison | { readonly group: string; readonly problem: string };

async function runCheck(folder: string, check: GroupCheck): Promise<readonly Line[]> {
  const absent = check.files.filter((file) => !existsSync(join(folder, file)));
  if (absent.length > 0) {
    if (check.optional === true && absent.length === check.files.length) return [];
    return [{ group: check.name, problem: `missing ${absent.join(', ')}` }];
  }
  try {
    return await check.run(folder);
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    return [{ group: check.name, problem: `${code}: ${message}` }];
  }
}

function passes(line: Line): boolean {
  return 'delta' in line && line.delta <= line.bound;
}

function print(line: Line): void {
  const mark = passes(line) ? 'ok  ' : 'FAIL';
  const text =
    'problem' in line
      ? line.problem
      : `max |Δ| ${line.delta.toExponential(2)}, bound ${line.bound.toExponential(0)}, ${line.tensors} tensor${line.tensors === 1 ? '' : 's'}`;
  console.log(`${mark} ${line.group}: ${text}`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const [folder] = positionals;
  if (values.help) {
    console.log(HELP);
    return EXITS.success.code;
  }
  if (folder === undefined || positionals.length > 1) throw new Error('give one folder');
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}`);
  const checks = [
    ...textChecks,
    ...transformerChecks,
    vaeCheck,
    schedulerCheck,
    pipelineCheck,
    ...dualparalChecks(folder),
  ];
  const lines: Line[] = [];
  for (const check of checks) {
    const found = await runCheck(folder, check);
    lines.push(...found);
    if (!values.json) for (const line of found) print(line);
  }
  const failed = lines.filter((line) => !passes(line)).length;
  if (values.json) {
    console.log(
      JSON.stringify({ folder, passed: failed === 0, groups: lines.map((line) => ({ ...line, ok: passes(line) })) }),
    );
  } else console.log(`${lines.length - failed} groups within their bounds, ${failed} not`);
  return failed === 0 ? EXITS.success.code : EXITS.golden.code;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`E_GOLDEN_USAGE: ${(error as Error).message}\n${HELP}`);
  process.exitCode = EXITS.usage.code;
}
