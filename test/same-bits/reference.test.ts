import { describe, expect, test } from 'vitest';
import { largestDifference, readGolden } from './golden-case.ts';
import { goldenInput } from './golden-run.ts';
import { filmOf, fingerprint } from './run.ts';

/** What float32 may differ by from the reference, by the reference's own account. */
const BOUND = 1e-4;

const CASES = [
  't6-b4-c2',
  't4-b3-c3',
  't5-b4-c0',
  't6-b4-c2-one-block',
  't4-b4-c2-no-guidance',
  't3-b4-c2-more-blocks-than-steps',
  'two-experts-same-expert',
];

describe.each(CASES)('%s', (name) => {
  const golden = readGolden(`dualparal/${name}.safetensors`);
  const reference = golden.f32('latents');

  test('the film equals the reference, bit for bit alike on 1, 2, 3, 4 and 5 stages and when run again', async () => {
    const films = new Map<string, string>();
    for (const stages of [1, 2, 3, 4, 5]) {
      const film = await filmOf(goldenInput(golden, stages));
      expect(largestDifference(film.data, reference.data)).toBeLessThan(BOUND);
      films.set(`${stages} stages`, fingerprint(film));
    }
    films.set('2 stages again', fingerprint(await filmOf(goldenInput(golden, 2))));
    expect(new Set(films.values()).size, JSON.stringify([...films], null, 1)).toBe(1);
  });
});

test.each([1, 3])('on %i stages every block in flight equals the reference after every iteration', async (stages) => {
  const golden = readGolden('dualparal/t6-b4-c2.safetensors');
  const wanted = golden.names.flatMap((name) => {
    const [, iteration, block] = /^iteration\.(\d+)\.block\.(\d+)$/.exec(name) ?? [];
    return iteration === undefined ? [] : [{ name, iteration: Number(iteration), block: Number(block) }];
  });
  expect(wanted).toHaveLength(36);
  await filmOf({ ...goldenInput(golden, stages), options: { trace: true } }, (pipeline) => {
    for (const { name, iteration, block } of wanted) {
      const { shape, data } = pipeline.latentsAfter(iteration, block);
      expect(shape, name).toEqual(golden.f32(name).shape);
      expect(largestDifference(data, golden.f32(name).data), name).toBeLessThan(BOUND);
    }
  });
});

test('a right context made by the other expert would show: the reference that uses it is far away', async () => {
  const other = readGolden('dualparal/two-experts-any.safetensors');
  const film = await filmOf(goldenInput(other, 2));
  expect(largestDifference(film.data, other.f32('latents').data)).toBeGreaterThan(0.1);
});
