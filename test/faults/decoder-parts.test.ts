import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { openFrameDecoder } from '../../runner/decode/frames.ts';
import { zeros } from '../../runner/tensor.ts';
import { openModel } from '../../runner/weights/open-model.ts';

const { config, vae } = openModel(join(import.meta.dirname, '../golden/data/tiny-wan'));
const model = { config: config.vae, weights: vae };
const worker = new URL('./programs/told-part.ts', import.meta.url);
const size = { latentHeight: 2, latentWidth: 2 };
const latents = (count: number) => zeros([1, config.vae.latentChannels, count, 2, 2]);

/** Parts that behave as said, and what all of them tell. */
function told(name: string, ...behaviours: readonly string[]) {
  const words: string[] = [];
  const channel = new BroadcastChannel(name);
  channel.onmessage = (event) => void words.push(String((event as { data: unknown }).data));
  const parts = behaviours.map((behaviour, part) => {
    const isLast = part === behaviours.length - 1;
    return {
      device: { kind: 'cpu', index: part, name: `${name} ${part} ${behaviour}${isLast ? 'last' : ''}` } as const,
    };
  });
  return { words, parts, [Symbol.dispose]: () => channel.close() };
}

const until = async (isSo: () => boolean) => {
  while (!isSo()) await delay(5);
};

test('what a part has made stays until the next one has copied it, also where all are closed meanwhile', async () => {
  using all = told('closing', '', 'slow');
  const decoder = await openFrameDecoder(model, { ...size, parts: all.parts, worker });
  const frames = decoder.decode(latents(4));
  await frames.next();
  await until(() => all.words.filter((word) => word === 'part 1 is asked').length === 2);
  await decoder[Symbol.asyncDispose]();
  await until(() => all.words.filter((word) => word.endsWith('back')).length === 2);
  expect(all.words.lastIndexOf('part 1 has taken')).toBeLessThan(all.words.indexOf('part 0 gives its memory back'));
});

test.each([1, 3])(
  'frames that nobody takes are not made: %i parts stop at as many latents as keep them at work',
  async (count) => {
    using all = told(`waiting-${count}`, ...new Array<string>(count).fill(''));
    await using decoder = await openFrameDecoder(model, { ...size, parts: all.parts, worker });
    const first = decoder.decode(latents(20));
    const second = decoder.decode(latents(20));
    await first.next();
    const asked = () => all.words.filter((word) => word === 'part 0 is asked').length;
    await until(() => asked() === decoder.latentsAtOnce);
    await delay(100);
    expect(asked()).toBe(decoder.latentsAtOnce);
    await Array.fromAsync(first);
    await Array.fromAsync(second);
    await until(() => asked() === 40);
  },
);

test('the next block is begun before the last frames of the one before are taken', async () => {
  using all = told('blocks', '', '');
  await using decoder = await openFrameDecoder(model, { ...size, parts: all.parts, worker });
  const [first, second] = [decoder.decode(latents(2)), decoder.decode(latents(2))];
  await until(() => all.words.filter((word) => word === 'part 0 is asked').length === 3);
  expect(await Array.fromAsync(first)).toHaveLength(2);
  expect(await Array.fromAsync(second)).toHaveLength(2);
});

test.each([0, 1, 2])('part %i of three that hangs is found by its device, and all of them end', async (hanging) => {
  const behaviours = [0, 1, 2].map((part) => (part === hanging ? 'hang' : ''));
  using all = told(`hanging-${hanging}`, ...behaviours);
  const patience = {
    loadMilliseconds: 60_000,
    firstMilliseconds: 500,
    leastMilliseconds: 500,
    factor: 1,
    lookMilliseconds: 60_000,
  };
  await using decoder = await openFrameDecoder(model, { ...size, parts: all.parts, worker, patience });
  await expect(Array.fromAsync(decoder.decode(latents(3)))).rejects.toMatchObject({
    code: 'E_DECODE_HUNG',
    message: expect.stringContaining(`on hanging-${hanging} ${hanging} hang`),
  });
});
