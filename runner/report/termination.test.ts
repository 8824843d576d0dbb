import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeTerminationMessage } from './termination.ts';

const folder = mkdtempSync(join(tmpdir(), 'dualparal-termination-'));
afterAll(() => rmSync(folder, { recursive: true }));
const result = { contractVersion: 1, outcome: 'stopped', framesReady: 0, elapsedSeconds: 1 } as const;

test('the result replaces what stood in the file', () => {
  const file = join(folder, 'log');
  writeFileSync(file, 'x'.repeat(5000));
  writeTerminationMessage(file, result);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(result);
});

test('a pipe that nobody reads, and a device, are errors instead of an endless wait', () => {
  const pipe = join(folder, 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  expect(() => writeTerminationMessage(pipe, result)).toThrow(/ENXIO|not a regular file/);
  expect(() => writeTerminationMessage('/dev/null', result)).toThrow('not a regular file');
});
