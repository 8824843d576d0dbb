import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, '../../test/faults/programs/end-threads.ts');

// In a process of its own: what this is about would take the test's process with it.
test.each(['starting', 'binding'])('threads are ended again and again while %s, and the process lives', (moment) => {
  const { status, signal, stderr } = spawnSync(process.execPath, [PROGRAM, moment], { encoding: 'utf8' });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
});

test('no thread takes part in giving back WebAssembly code, which other threads may be taking', () => {
  const flags = ['--stress-wasm-code-gc', '--trace-wasm-code-gc'];
  const { status, stdout } = spawnSync(process.execPath, [...flags, PROGRAM, 'binding'], { encoding: 'utf8' });
  const isolates = new Set([...stdout.matchAll(/Isolate (\d+) reporting/g)].map(([, isolate]) => isolate));
  expect({ status, isolates: [...isolates] }).toEqual({ status: 0, isolates: ['0'] });
});
