import { expect, test } from 'vitest';
import { copyLatents, joinLatents, latentAt, memoryOf, sliceLatents } from './latents.ts';

/** A video `[1, 2, count, 1, 2]` whose numbers say where they are: channel, latent, pixel. */
function video(count: number, first = 0) {
  const data = Float32Array.from(
    [0, 1]
      .flatMap((channel) =>
        Array.from({ length: count }, (_, latent) =>
          [0, 1].map((pixel) => channel * 100 + (first + latent) * 10 + pixel),
        ),
      )
      .flat(2),
  );
  return { shape: [1, 2, count, 1, 2], data };
}

test('a slice is the same latents of every channel', () => expect(sliceLatents(video(5), 2, 2)).toEqual(video(2, 2)));

test('one latent is its channels alone', () => expect([...latentAt(video(4), 3)]).toEqual([30, 31, 130, 131]));

test('parts join to the video that they were cut from', () => {
  expect(
    joinLatents([sliceLatents(video(6), 0, 3), sliceLatents(video(6), 3, 1), sliceLatents(video(6), 4, 2)]),
  ).toEqual(video(6));
});

test('a copy leaves all other latents as they were', () => {
  const target = video(4);
  copyLatents(memoryOf(video(3, 6)), 1, 2, memoryOf(target), 0);
  expect(sliceLatents(target, 0, 2)).toEqual(video(2, 7));
  expect(sliceLatents(target, 2, 2)).toEqual(video(2, 2));
});
