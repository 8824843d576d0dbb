/**
 * A thread of a decoder's part that computes nothing and tells everybody what it does, on the channel that its device's name begins with;
 * what comes after the name says how it behaves.
 */
import { BroadcastChannel } from 'node:worker_threads';
import type { DecodeAsked, DecodeTask, DecodeTold } from '../../../runner/decode/decode-worker.ts';
import { inThread } from '../../../runner/thread/in-thread.ts';

const NOTHING = new Int32Array(new SharedArrayBuffer(4));
/** How long a part that takes slowly is at its copy. */
const SLOW_MILLISECONDS = 400;

inThread<DecodeTask, DecodeAsked, DecodeTold>(async ({ task, tell, requests }) => {
  const [name, part, behaviour] = task.options.device.name.split(' ') as [string, string, string?];
  const channel = new BroadcastChannel(name);
  const say = (what: string) => channel.postMessage(`part ${part} ${what}`);
  const isLast = behaviour?.includes('last') === true;
  tell({ kind: 'ready', tiles: 1 });
  let items = 0;
  for await (const _ of requests) {
    say('is asked');
    items += 1;
    if (behaviour?.includes('slow') && items > 1) Atomics.wait(NOTHING, 0, 0, SLOW_MILLISECONDS);
    say('has taken');
    tell({ kind: 'taken' });
    if (behaviour?.includes('hang') && items > 1) Atomics.wait(NOTHING, 0, 0);
    const frames = isLast ? { rgb: new Uint8Array(3), count: 1 } : null;
    tell({ kind: 'made', handed: isLast ? null : { memory: NOTHING.buffer }, frames });
  }
  say('gives its memory back');
  channel.close();
});
