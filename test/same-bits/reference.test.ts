import { describe, expect, test } from 'vitest';
import type { RightContext } from '../../runner/plan/schedule.ts';
import { BOUND, distance } from '../golden/compare.ts';
import { runToEnd } from '../golden/run-case.ts';
import { fingerprint } from './fingerprint.ts';
import { goldenInput, readGolden } from './inputs.ts';

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
  const reference = readGolden(`dualparal/${name}.safetensors`).f32('latents');

  test('the film equals the reference, bit for bit alike on 1, 2, 3, 4 and 5 stages and when run again', async () => {
    const films = new Map<string, string>();
    for (const stages of [1, 2, 3, 4, 5]) {
      const film = await runToEnd(goldenInput(name, stages));
      expect(distance(film, reference)).toBeLessThan(BOUND);
      films.set(`${stages} stages`, fingerprint(film));
    }
    films.set('2 stages again', fingerprint(await runToEnd(goldenInput(name, 2))));
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
  await runToEnd({ ...goldenInput('t6-b4-c2', stages), options: { trace: true } }, (pipeline) => {
    for (const { name, iteration, block } of wanted) {
      expect(distance(pipeline.latentsAfter(iteration, block), golden.f32(name)), name).toBeLessThan(BOUND);
    }
  });
});

test('a right context of the other expert is used only when asked for, and it shows', async () => {
  const reference = readGolden('dualparal/two-experts-any.safetensors').f32('latents');
  const { plan, ...rest } = goldenInput('two-experts-any', 2);
  const filmWith = (rightContext: RightContext) =>
    runToEnd({ ...rest, plan: { ...plan, sampling: { ...plan.sampling, rightContext } } });
  expect(distance(await filmWith('any-expert'), reference)).toBeLessThan(BOUND);
  expect(distance(await filmWith('same-expert'), reference)).toBeGreaterThan(0.1);
});
