/** A decoder's thread that decodes its first latent and never comes back from the second, for tests. */
import type { DecodeAsked, DecodeTask, DecodeTold } from '../../../runner/decode/decode-worker.ts';
import { inThread } from '../../../runner/thread/in-thread.ts';

inThread<DecodeTask, DecodeAsked, DecodeTold>(async ({ tell, requests }) => {
  tell({ kind: 'ready', tiles: 1 });
  let latents = 0;
  for await (const _ of requests) {
    if (latents++ > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    tell({ kind: 'taken' });
    tell({ kind: 'made', handed: null, frames: { rgb: new Uint8Array(3), count: 1 } });
  }
});
