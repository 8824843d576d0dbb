import { expect, it } from 'vitest';
import { heldStore } from './held.ts';
import type { Store } from './store.ts';

const lost = new Error('another run has taken over');

/** A run whose folder is taken over while it writes, and whose write fails. */
function frozenWhileItWrites(isTakenOver: boolean) {
  let taken = false;
  const put = async (): Promise<never> => {
    taken = isTakenOver;
    throw new Error('there is no such file');
  };
  const check = async () => {
    if (taken) throw lost;
  };
  return heldStore({ put } as unknown as Store, check).put('video.mp4', new Uint8Array());
}

it('a write that fails because another run has cleared it away says that', async () => {
  await expect(frozenWhileItWrites(true)).rejects.toBe(lost);
});

it('a write that fails by itself says why', async () => {
  await expect(frozenWhileItWrites(false)).rejects.toThrow('there is no such file');
});
