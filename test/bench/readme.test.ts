import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PARTS } from '../gpu/parts.ts';
import type { Bench } from './bench.ts';

const here = import.meta.dirname;
const names = readdirSync(here).flatMap((file) => /^(.+)\.bench\.ts$/.exec(file)?.[1] ?? []);

test('the README has a row for every benchmark and for nothing else', () => {
  const rows = readFileSync(join(here, 'README.md'), 'utf8').matchAll(/^\| `(\w+)` \|/gm);
  expect([...rows].map(([, name]) => name).sort()).toEqual(names.sort());
});

test('a row of the README says on which devices its benchmark runs', async () => {
  const lines = readFileSync(join(here, 'README.md'), 'utf8').split('\n');
  for (const name of names) {
    const { bench } = (await import(`./${name}.bench.ts`)) as { bench: Bench };
    const isForCards = bench.devices?.includes('cuda') ?? false;
    const devices = lines
      .find((line) => line.startsWith(`| \`${name}\` |`))!
      .split('|')
      .at(-3)!;
    expect([name, devices.includes('CUDA')]).toEqual([name, isForCards]);
    expect([name, `bench-${name}` in PARTS]).toEqual([name, isForCards]);
  }
});

test('help names every benchmark and option, and wrong usage is told from a failure', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [join(here, 'run.ts'), ...args], { encoding: 'utf8' });
  const help = run('--help');
  expect(help.status).toBe(0);
  for (const word of [...names, '--device', '--tokens', '--width', '--json']) expect(help.stdout).toContain(word);
  const wrong = (...args: string[]) => {
    const { status, stderr, stdout } = run(...args);
    expect([status, stdout]).toEqual([2, '']);
    return stderr.split('\n')[0];
  };
  expect(wrong('layer')).toBe('E_BENCH_USAGE: no benchmark named layer');
  expect(wrong('hop', '--json', '/nonexistent/dir/x.json')).toContain('/nonexistent/dir/x.json');
  expect(wrong('hop', '--size', 'nothing=3')).toContain('no size named nothing');
  expect(wrong('operator', '--size', 'nothing=3')).toContain('films');
});
