import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkWritable, writeResults } from './results-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'results-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('looking whether a file can be written leaves it as it is, and none where there was none', () => {
  const old = join(folder, 'old.json');
  writeFileSync(old, 'figures');
  checkWritable(old);
  checkWritable(join(folder, 'new.json'));
  expect(readFileSync(old, 'utf8')).toBe('figures');
  expect(readdirSync(folder)).toEqual(['old.json']);
});

test('a folder that is missing, and a file that is a folder, are errors', () => {
  const missing = join(folder, 'missing/x.json');
  expect(() => checkWritable(missing)).toThrow(missing);
  mkdirSync(join(folder, 'dir'));
  expect(() => checkWritable(join(folder, 'dir'))).toThrow('EISDIR');
});

test('where there is no room for new results the old ones stay, and nothing else is left', () => {
  const at = join(folder, 'no-room');
  mkdirSync(at);
  const file = join(at, 'old.json');
  writeFileSync(file, 'figures');
  const program = `import { writeResults } from ${JSON.stringify(join(import.meta.dirname, 'results-file.ts'))};
    writeResults(process.argv[1], 'x'.repeat(1_000_000));`;
  // A limit on the size of files, which holds for root too.
  const script = 'ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2"';
  const { status, stderr } = spawnSync('sh', ['-c', script, process.execPath, program, file], { encoding: 'utf8' });
  expect([status, stderr.includes('EFBIG')]).toEqual([1, true]);
  expect([readFileSync(file, 'utf8'), readdirSync(at)]).toEqual(['figures', ['old.json']]);
});

test('results take the place of older ones, with the rights that these had', () => {
  const file = join(folder, 'again.json');
  writeFileSync(file, 'a longer text than what comes next', { mode: 0o600 });
  writeResults(file, { a: 1 });
  expect([JSON.parse(readFileSync(file, 'utf8')), statSync(file).mode & 0o777]).toEqual([{ a: 1 }, 0o600]);
});

test.each([{ what: 'there', before: 'figures' }, { what: 'not there yet' }])(
  'a link stays a link, and results are where it leads to, which is $what',
  ({ before }) => {
    const at = mkdtempSync(join(folder, 'link-'));
    const [link, target] = [join(at, 'link.json'), join(at, 'target.json')];
    symlinkSync('target.json', link);
    if (before !== undefined) writeFileSync(target, before);
    checkWritable(link);
    writeResults(link, 1);
    expect([lstatSync(link).isSymbolicLink(), readFileSync(target, 'utf8')]).toEqual([true, '1\n']);
    expect(readdirSync(at)).toEqual(['link.json', 'target.json']);
  },
);

test('a device is written as it is, and one that is full is an error', () => {
  checkWritable('/dev/null');
  writeResults('/dev/null', {});
  checkWritable('/dev/full');
  expect(() => writeResults('/dev/full', {})).toThrow('ENOSPC');
  expect([statSync('/dev/null').isCharacterDevice(), statSync('/dev/full').isCharacterDevice()]).toEqual([true, true]);
});
