import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { CHECKSUM_FILE } from './checksums.ts';
import { inspectModel } from './inspect-model.ts';
import { openModel } from './open-model.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const VAE = 'vae/diffusion_pytorch_model.safetensors';
const scratch = mkdtempSync(join(tmpdir(), 'checksums-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A copy of the tiny model with its sums, as `sha256sum $(find . -type f)` writes them. */
function copy(): string {
  const folder = mkdtempSync(join(scratch, 'model-'));
  cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true });
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const lines = files.map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    const sum = createHash('sha256').update(readFileSync(path)).digest('hex');
    return `${sum}  ./${path.slice(folder.length + 1)}\n`;
  });
  writeFileSync(join(folder, CHECKSUM_FILE), lines.join(''));
  return folder;
}

function sumsOf(folder: string): string {
  return readFileSync(join(folder, CHECKSUM_FILE), 'utf8');
}

test('a folder whose files are as listed opens, and is inspected without a problem', () => {
  const folder = copy();
  expect(openModel(folder, { verify: true }).folder).toBe(folder);
  const read: string[] = [];
  expect(inspectModel(folder, { verify: true, onFile: (file) => read.push(file) }).problems).toEqual([]);
  expect(read.sort()).toEqual(
    sumsOf(folder)
      .trim()
      .split('\n')
      .map((line) => line.slice(68))
      .sort(),
  );
});

const REFUSED: readonly { name: string; damage: (folder: string) => void; code: string; message: RegExp }[] = [
  {
    name: 'no list',
    damage: (folder) => rmSync(join(folder, CHECKSUM_FILE)),
    code: 'E_MODEL_MISSING',
    message: /^sha256sums: the file is missing$/,
  },
  {
    name: 'a changed weight',
    damage: (folder) => {
      const bytes = readFileSync(join(folder, VAE));
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(join(folder, VAE), bytes);
    },
    code: 'E_MODEL_CHECKSUM',
    message: /^vae\/diffusion_pytorch_model\.safetensors: its sha256 is [0-9a-f]{64}, wanted [0-9a-f]{64}; copy or/,
  },
  {
    name: 'a listed file that is not there',
    damage: (folder) => appendFileSync(join(folder, CHECKSUM_FILE), `${'0'.repeat(64)}  notes.txt\n`),
    code: 'E_MODEL_MISSING',
    message: /^notes\.txt: the file is missing$/,
  },
  {
    name: 'a file of the model without a line',
    damage: (folder) =>
      writeFileSync(join(folder, CHECKSUM_FILE), sumsOf(folder).replace(/^.*vae\/diffusion.*\n/m, '')),
    code: 'E_MODEL_CHECKSUMS',
    message: /^sha256sums: has no line for vae\/diffusion_pytorch_model\.safetensors$/,
  },
  {
    name: 'a line that is none',
    damage: (folder) => appendFileSync(join(folder, CHECKSUM_FILE), 'hello\n'),
    code: 'E_MODEL_CHECKSUMS',
    message: /^sha256sums: line \d+ is no sum and path: hello$/,
  },
  {
    name: 'a path out of the folder',
    damage: (folder) => appendFileSync(join(folder, CHECKSUM_FILE), `${'0'.repeat(64)}  vae/../../secret\n`),
    code: 'E_MODEL_CHECKSUMS',
    message: /^sha256sums: line \d+ names a file outside of the folder: \.\.\/secret$/,
  },
  {
    name: 'a file listed twice',
    damage: (folder) => appendFileSync(join(folder, CHECKSUM_FILE), `${'0'.repeat(64)} *${VAE}\n`),
    code: 'E_MODEL_CHECKSUMS',
    message: /^sha256sums: line \d+ names vae\/diffusion_pytorch_model\.safetensors a second time$/,
  },
];

test.each(REFUSED)('$name is refused when sums are asked for, and only then', ({ damage, code, message }) => {
  const folder = copy();
  damage(folder);
  const error = { code, message: expect.stringMatching(message) };
  expect(() => openModel(folder, { verify: true })).toThrow(expect.objectContaining(error));
  expect(inspectModel(folder, { verify: true }).problems).toEqual([expect.objectContaining(error)]);
  expect(inspectModel(folder).problems).toEqual([]);
  openModel(folder);
});
