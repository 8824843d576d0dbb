import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { killQuietly } from '../faults/film-process.ts';
import { isGone } from './is-gone.ts';
import { runProcess } from './run-process.ts';

const scratch = mkdtempSync(join(tmpdir(), 'run-process-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const shell = (script: string) => ['sh', '-c', script];

const pidIn = (file: string) => Number(readFileSync(join(scratch, file), 'utf8'));

test('a process that ends well ends with 0, and all that it printed is kept', async () => {
  expect(await runProcess({ command: shell('echo one; echo two >&2'), seconds: 60 })).toMatchObject({ end: '0' });
  const { output, code } = await runProcess({ command: shell('seq 20000') });
  expect(code).toBe(0);
  expect(output.trim().split('\n')).toHaveLength(20_000);
});

test.each([
  { script: 'exit 3', end: 'exit 3', code: 3 },
  { script: 'kill -ABRT $$', end: 'SIGABRT', code: null },
])('the end of `$script` is $end', async ({ script, end, code }) => {
  expect(await runProcess({ command: shell(script), seconds: 60 })).toMatchObject({ end, code });
});

test('what a process prints is told by the stream that it comes on', async () => {
  const told = { stdout: '', stderr: '' };
  await runProcess({
    command: shell('echo one; echo two >&2'),
    told: (chunk, stream) => {
      told[stream] += chunk.toString();
    },
  });
  expect(told).toEqual({ stdout: 'one\n', stderr: 'two\n' });
});

test('a program that is not there is told, not thrown', async () => {
  const { end } = await runProcess({ command: [join(scratch, 'nowhere')], seconds: 60 });
  expect(end).toContain('ENOENT');
});

test('a process left behind in a session of its own, which holds the pipes, does not keep its part from ending', async () => {
  const file = join(scratch, 'lingering');
  const { end } = await runProcess({ command: shell(`setsid sleep 600 & echo $! > ${file}; exit 0`), seconds: 100 });
  const left = pidIn('lingering');
  try {
    expect(end).toBe('0');
  } finally {
    killQuietly(left);
  }
});

test('a process left behind in the group of its part is ended with it', async () => {
  const file = join(scratch, 'behind');
  const { end } = await runProcess({ command: shell(`sleep 600 & echo $! > ${file}; exit 0`), seconds: 100 });
  expect(end).toBe('0');
  expect(await isGone(pidIn('behind'))).toBe(true);
});

test('a process that takes too long is ended with its children, even where it hears no signal', async () => {
  const file = join(scratch, 'slow');
  const script = `trap '' TERM INT; sleep 600 & echo $! > ${file}; wait; sleep 600`;
  const { end } = await runProcess({ command: shell(script), seconds: 1 });
  expect(end).toBe('stopped after its 1 s');
  expect(existsSync(file)).toBe(true);
  expect(await isGone(pidIn('slow'))).toBe(true);
});

test('a process that begins after the stop is ended, too', async () => {
  const signal = AbortSignal.abort();
  expect((await runProcess({ command: shell('sleep 600'), seconds: 600, signal })).end).toBe('stopped from outside');
});

test('a process is ended from outside before its time', async () => {
  const stop = new AbortController();
  const file = join(scratch, 'outside');
  const running = runProcess({ command: shell(`echo $$ > ${file}; sleep 600`), seconds: 600, signal: stop.signal });
  while (!existsSync(file)) await sleep(10);
  stop.abort();
  expect((await running).end).toBe('stopped from outside');
});
