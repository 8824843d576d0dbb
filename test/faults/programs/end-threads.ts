/**
 * Starts threads and ends them, over and over: `starting` at a random moment before they have loaded anything, `binding` in the
 * midst of koffi's delicate calls. Exit code 0 is the proof that the process outlived them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startThread } from '../../../runner/thread/thread.ts';

const entry = new URL('./native-loop-thread.ts', import.meta.url);
const isStarting = process.argv[2] === 'starting';
const ROUNDS = 2;
const TOGETHER = 6;

async function startAndEnd(): Promise<void> {
  const ready = Promise.withResolvers<void>();
  const died = (code: number) => new Error(`ended with exit code ${code}`);
  const thread = startThread<never, never>({ entry, name: 'loop', task: null, onTold: () => ready.resolve(), died });
  if (isStarting) await sleep(Math.random() * 200);
  else await ready.promise;
  await thread.stop();
}

for (let round = 0; round < ROUNDS; round++) await Promise.all(Array.from({ length: TOGETHER }, startAndEnd));
