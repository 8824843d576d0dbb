import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { openTorchLayers, type TorchTask } from './torch-layers.ts';

const folder = mkdtempSync(join(tmpdir(), 'torch-layers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TASK: TorchTask = {
  ...{ device: 'cpu', threads: 1, type: 'F32', heads: 1, headWidth: 8, feedForward: 8, channels: 1, layers: 1 },
  ...{ ends: false, frames: 1, height: 1, width: 1, context: 0, text: 1 },
};
const OPENED = `read task; echo '{"torch":"2","form":"eager"}'`;
const ANSWERED = `read question; echo '{"wall":3,"processor":4}'`;
let count = 0;

/** A program in Python's place that does what the shell's words say. */
function python(words: string): string {
  const file = join(folder, `python-${count++}`);
  writeFileSync(file, `#!/bin/sh\n${words}\n`, { mode: 0o755 });
  return file;
}

test('questions are answered by the process until it is closed', async () => {
  const torch = await openTorchLayers(python(`${OPENED}; ${ANSWERED}; ${ANSWERED}; read end`), TASK);
  expect(torch).toMatchObject({ version: '2', form: 'eager' });
  for (const what of ['layers', 'product'] as const) {
    expect(await torch.milliseconds(what, 1)).toEqual({ wall: 3, processor: 4 });
  }
  torch.close();
});

test('a process that dies between two questions is an error of the next one, and of any that is asked after it', async () => {
  const torch = await openTorchLayers(python(`${OPENED}; read question; exit 9`), TASK);
  await expect(torch.milliseconds('layers', 1)).rejects.toThrow('ended with 9');
  await expect(torch.milliseconds('layers', 1)).rejects.toThrow('ended with 9');
  torch.close();
  // The broken pipe is told later, to nobody.
  await sleep(100);
});

test('a process that cannot be started, dies unasked or is killed is an error', async () => {
  await expect(openTorchLayers(join(folder, 'nothing'), TASK)).rejects.toThrow('ENOENT');
  await expect(openTorchLayers(python('exit 7'), TASK)).rejects.toThrow('ended with 7');
  await expect(openTorchLayers(python('kill -9 $$'), TASK)).rejects.toThrow('ended with SIGKILL');
});

test('what a dead process has left behind is not waited for', async () => {
  const pidFile = join(folder, 'pid');
  await expect(openTorchLayers(python(`sleep 600 & echo $! > ${pidFile}; exit 3`), TASK)).rejects.toThrow(
    'ended with 3',
  );
  const left = Number(readFileSync(pidFile, 'utf8'));
  // Throws where it is gone.
  process.kill(left, 'SIGKILL');
});
