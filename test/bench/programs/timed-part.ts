/** Entry of a part of the decoder that computes nothing: each item is a sleep of the length that its device's name says, in milliseconds. */
import type { DecodeAsked, DecodeTask, DecodeTold } from '../../../runner/decode/decode-worker.ts';
import { inThread } from '../../../runner/thread/in-thread.ts';

const NOTHING = new Int32Array(new SharedArrayBuffer(4));

inThread<DecodeTask, DecodeAsked, DecodeTold>(async ({ task, tell, requests }) => {
  tell({ kind: 'ready', tiles: 1 });
  for await (const _ of requests) {
    tell({ kind: 'taken' });
    Atomics.wait(NOTHING, 0, 0, Number(task.options.device.name));
    tell({ kind: 'made', handed: { memory: NOTHING.buffer }, frames: null });
  }
});
