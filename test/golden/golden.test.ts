import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EXITS } from '#contract/exit.ts';
import { readSafetensorsHeader } from '../../runner/weights/safetensors.ts';

const PROGRAM = join(import.meta.dirname, 'golden.ts');
const DATA = join(import.meta.dirname, 'data');

const temporary = mkdtempSync(join(tmpdir(), 'golden-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

interface Report {
  readonly passed: boolean;
  readonly groups: readonly { readonly group: string; readonly ok: boolean; readonly problem?: string }[];
}

function compare(folder: string): { readonly code: number | null; readonly report: Report } {
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, folder, '--json'], { encoding: 'utf8' });
  return { code: status, report: JSON.parse(stdout) as Report };
}

function failures({ groups }: Report): readonly string[] {
  return groups.filter(({ ok }) => !ok).map(({ group, problem }) => (problem ? `${group}: ${problem}` : group));
}

function copyOfData(name: string): string {
  const folder = join(temporary, name);
  cpSync(DATA, folder, { recursive: true });
  return folder;
}

/** Adds to the first number of a float32 tensor. */
function nudge(folder: string, file: string, tensor: string, change: number): void {
  const path = join(folder, `${file}.safetensors`);
  const { offset } = readSafetensorsHeader(path).tensors.get(tensor)!;
  const bytes = readFileSync(path);
  bytes.writeFloatLE(bytes.readFloatLE(offset) + change, offset);
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}

describe('npm run golden', () => {
  it('finds every number of the stored folder within its bound', () => {
    const { code, report } = compare(DATA);
    expect({ code, failures: failures(report), passed: report.passed }).toEqual({
      code: EXITS.success.code,
      failures: [],
      passed: true,
    });
    expect(report.groups.length).toBeGreaterThan(70);
  });

  it('fails and names the groups where one number of a tensor is off by a thousandth', () => {
    const folder = copyOfData('nudged');
    nudge(folder, 'vae', 'frames', 1e-3);
    nudge(folder, 'schedulers', 'unipc.4.3.0.x', -1e-3);
    nudge(folder, 'dualparal/block-step', 'velocity.own', 1e-3);
    nudge(folder, 'dualparal/t6-b4-c2', 'iteration.5.block.3', 1e-3);
    nudge(folder, 'dualparal/two-experts-any', 'latents', -1e-3);
    const { code, report } = compare(folder);
    expect({ code, passed: report.passed }).toEqual({ code: EXITS.golden.code, passed: false });
    expect(failures(report)).toEqual([
      'dualparal/block-step guided velocity',
      'vae frames',
      'schedulers unipc.4.3.0 x',
      'dualparal/t6-b4-c2 iterations',
      'dualparal/two-experts-any latents',
    ]);
  });

  it('fails and says which file is missing, but not for head128 and bf16, which a folder may lack', () => {
    const folder = copyOfData('incomplete');
    for (const place of ['pipeline.safetensors', 'tokenizer-spm', 'head128', 'bf16']) {
      rmSync(join(folder, place), { recursive: true });
    }
    const { code, report } = compare(folder);
    expect({ code, failures: failures(report) }).toEqual({
      code: EXITS.golden.code,
      failures: [
        'tokenizer-spm: missing tokenizer-spm/cases.json, tokenizer-spm/tokenizer.json',
        'pipeline: missing pipeline.safetensors',
      ],
    });
  });

  it('fails for every group of an empty folder', () => {
    const { code, report } = compare(mkdtempSync(join(temporary, 'empty-')));
    expect({ code, groups: report.groups.map(({ group }) => group) }).toEqual({
      code: EXITS.golden.code,
      groups: [
        ...['text', 'tokenizer-spm', 'transformer', 'tiny-wan-sharded', 'dualparal/block-step', 'vae', 'schedulers'],
        ...['pipeline', 'dualparal', 'two-experts'],
      ],
    });
  });

  it.each([
    { what: 'no folder', args: [], message: 'give one folder' },
    { what: 'two folders', args: [DATA, DATA], message: 'give one folder' },
    { what: 'a folder that is not there', args: ['/nowhere'], message: 'there is no folder /nowhere' },
  ])('refuses $what and says how it is used', ({ args, message }) => {
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });
    expect({ status, first: stderr.split('\n')[0] }).toEqual({
      status: EXITS.usage.code,
      first: `E_GOLDEN_USAGE: ${message}`,
    });
  });
});
