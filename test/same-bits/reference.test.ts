import { describe, expect, test } from 'vitest';
import type { RightContext } from '../../runner/plan/schedule.ts';
import { BOUND, distance } from '../golden/compare.ts';
import { runToEnd, setting } from '../golden/run-case.ts';
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
  's2-t6-b4-c4',
  's2-t5-b4-c0',
  's2-t5-b4-c4-no-guidance',
  's2-two-experts-same-expert',
  's3-t6-b4-c0',
  's3-t7-b4-c4',
  's3-t3-b4-c4-as-many-steps',
  's3-t2-b4-c4-fewer-steps',
  's3-two-experts-same-expert',
  'reuse-s1-t3-b4-c2-more-blocks-than-steps',
  'reuse-s2-t5-b4-c2',
  'reuse-s3-two-experts-same-expert',
  'interval-s1-t6-b4-c4-begins-late',
  'interval-s1-two-experts-same-expert',
  'reuse-interval-s2-t6-b4-c4',
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

test.each([
  { name: 't6-b4-c2', stages: 1, steps: 36 },
  { name: 't6-b4-c2', stages: 3, steps: 36 },
  { name: 's2-t6-b4-c4', stages: 1, steps: 24 },
  { name: 's2-t6-b4-c4', stages: 3, steps: 24 },
  { name: 'reuse-s2-t5-b4-c2', stages: 3, steps: 20 },
  { name: 'interval-s2-t5-b4-c2', stages: 3, steps: 20 },
  { name: 'reuse-interval-s2-t6-b4-c4', stages: 2, steps: 18 },
])('$name: on $stages stages every block in flight equals the reference after every iteration', async (traced) => {
  const golden = readGolden(`dualparal/${traced.name}.safetensors`);
  const wanted = golden.names.flatMap((name) => {
    const [, iteration, block] = /^iteration\.(\d+)\.block\.(\d+)$/.exec(name) ?? [];
    return iteration === undefined ? [] : [{ name, iteration: Number(iteration), block: Number(block) }];
  });
  expect(wanted).toHaveLength(traced.steps);
  await runToEnd({ ...goldenInput(traced.name, traced.stages), options: { trace: true } }, (pipeline) => {
    for (const { name, iteration, block } of wanted) {
      expect(distance(pipeline.latentsAfter(iteration, block), golden.f32(name)), name).toBeLessThan(BOUND);
    }
  });
});

test.each(['two-experts-any', 's2-two-experts-any'])(
  '%s: a right context of the other expert is used only when asked for, and it shows',
  async (name) => {
    const reference = readGolden(`dualparal/${name}.safetensors`).f32('latents');
    const { plan, ...rest } = goldenInput(name, 2);
    const filmWith = (rightContext: RightContext) =>
      runToEnd({ ...rest, plan: { ...plan, sampling: { ...plan.sampling, rightContext } } });
    expect(distance(await filmWith('any-expert'), reference)).toBeLessThan(BOUND);
    expect(distance(await filmWith('same-expert'), reference)).toBeGreaterThan(0.1);
  },
);

test('another stride is another film, and takes the iterations that the reference took', async () => {
  const golden = readGolden('dualparal/s3-t7-b4-c4.safetensors');
  const { plan, ...rest } = goldenInput('s3-t7-b4-c4', 2);
  expect(plan.iterations).toBe(setting(golden, 'iterations'));
  const other = await runToEnd({ ...rest, plan: { ...plan, stride: 2 } });
  expect(distance(other, golden.f32('latents'))).toBeGreaterThan(0.1);
});
