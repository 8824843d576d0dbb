import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type BlockQueueOptions, openBlockQueue } from './block-queue.ts';
import { zeros } from './tensor.ts';
import { patienceOf } from './thread/patience.ts';

const BLOCK = { index: 0, firstLatent: 0, latents: zeros([1, 4, 1, 2, 2]) };
const FRAMES = { rgb: new Uint8Array(3), count: 1 };
const film: BlockQueueOptions['film'] = {
  openBlock: () => ({ write: async () => undefined, finish: async () => undefined, cancel: () => undefined }),
};
const patience = patienceOf({ DUALPARAL_PATIENCE_SECONDS: '1' });

/** A decoder whose frames come as said, once. */
function decoderOf(frames: () => AsyncGenerator<typeof FRAMES, void, undefined>): BlockQueueOptions['decoder'] {
  return { latentsAtOnce: 1, decode: frames, [Symbol.asyncDispose]: async () => undefined };
}

test('a decoder that never answers does not keep a film that has failed elsewhere from its end', async () => {
  const never = Promise.withResolvers<void>();
  const stored: number[] = [];
  const decoder = decoderOf(async function* () {
    await never.promise;
    yield FRAMES;
  });
  const queue = openBlockQueue({ decoder, film, patience, stored: ({ index }) => void stored.push(index) });
  await queue.add(BLOCK);
  await queue.settled();
  expect([stored, queue.failed.aborted]).toEqual([[], false]);
});

test('frames that are still being written are waited for: their writer has a patience of its own', async () => {
  const stored: number[] = [];
  const slow: BlockQueueOptions['film'] = {
    openBlock: (count) => ({ ...film.openBlock(count), write: () => setTimeout(3500) }),
  };
  const decoder = decoderOf(async function* () {
    yield FRAMES;
  });
  const queue = openBlockQueue({ decoder, film: slow, patience, stored: ({ index }) => void stored.push(index) });
  await queue.add(BLOCK);
  await queue.settled();
  expect(stored).toEqual([0]);
});

test('what cannot be stored aborts with its reason, and settles at once', async () => {
  const reason = new Error('the disk is full');
  // biome-ignore lint/correctness/useYield: it fails before it has any.
  const decoder = decoderOf(async function* () {
    throw reason;
  });
  const queue = openBlockQueue({ decoder, film, stored: () => undefined });
  await queue.add(BLOCK);
  await queue.settled();
  expect([queue.failed.aborted, queue.failed.reason]).toEqual([true, reason]);
  await expect(queue.finish()).rejects.toBe(reason);
});
