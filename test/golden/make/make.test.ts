import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findTorchPython } from '../../torch/python.ts';

const MAKE = join(import.meta.dirname, 'make.py');
const GOLDEN = join(import.meta.dirname, '../golden.ts');
const temporary = mkdtempSync(join(tmpdir(), 'golden-make-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe('a folder of reference numbers on weights of its own', () => {
  const torch = findTorchPython(['torch', 'diffusers', 'transformers', 'sentencepiece', 'ftfy', 'wcwidth']);

  it.skipIf(!torch.ok)(`is within its bounds${torch.ok ? '' : ` (${torch.reason})`}`, () => {
    const folder = join(temporary, 'folder');
    const python = torch.ok ? torch.python : '';
    const made = spawnSync(python, ['-B', MAKE, folder, '--seed', '5', '--sizes', 'least'], { encoding: 'utf8' });
    expect({ status: made.status, stderr: made.status === 0 ? '' : made.stderr }).toEqual({ status: 0, stderr: '' });
    const compared = spawnSync(process.execPath, [GOLDEN, folder], { encoding: 'utf8' });
    const failed = compared.stdout.split('\n').filter((line) => line.startsWith('FAIL'));
    expect({ failed, status: compared.status }).toEqual({ failed: [], status: 0 });
  });
});
