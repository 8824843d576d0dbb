import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FAULTS } from './faults.ts';
import { MIX_NAMES } from './mixes.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/**
 * Puts faults back one at a time (all unless some are named), plays schedules until one is broken, and prints a table.
 * Says whether every fault was found.
 */
export function putBackAll(names: readonly string[], schedules: number): boolean {
  const unknown = names.filter((name) => !FAULTS.some((fault) => fault.name === name));
  if (unknown.length > 0) throw new Error(`no fault is named ${unknown.join(', ')}`);
  let found = true;
  for (const { name, what } of FAULTS.filter((fault) => names.length === 0 || names.includes(fault.name))) {
    const result = playWith(name, schedules);
    found &&= result.broken;
    const after = result.broken ? `found after ${String(result.schedules).padStart(4)}` : 'NOT FOUND       ';
    console.log(`${name.padEnd(22)} ${after}  ${what}\n${' '.repeat(23)}${result.first}`);
  }
  return found;
}

function playWith(name: string, schedules: number) {
  const each = String(Math.ceil(schedules / MIX_NAMES.length));
  const args = ['--import', `${FOLDER}patch-sources.ts`, `${FOLDER}simulate.ts`, '--until-broken', '--schedules', each];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, SIMULATE_FAULT: name },
    encoding: 'utf8',
  });
  if (status === 1)
    return { broken: true, schedules: JSON.parse(stdout).schedules as number, first: firstLine(stderr) };
  if (status === 0) return { broken: false, schedules: JSON.parse(stdout).schedules as number, first: '' };
  throw new Error(`${name}: ${stderr}`);
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 140);
}
