import { describe, expect, test } from 'vitest';
import { largestDifference } from '../../test/golden/compare.ts';
import { readGolden } from '../../test/same-bits/inputs.ts';
import { newBlockState } from './block-state.ts';
import { checkLevels, createSampler, type SamplerRule } from './sampler.ts';

const golden = readGolden('schedulers.safetensors');
const RULES: Readonly<Record<string, SamplerRule>> = { unipc: 'UniPC', euler: 'FlowMatchEuler' };

/** The settings that the reference file holds, read from its names: class.steps.shift.what. */
const cases = golden.names
  .filter((name) => name.endsWith('.x'))
  .map((name) => {
    const [, rule = '', steps, flowShift] = /^(\w+)\.(\d+)\.(.+)\.x$/.exec(name) ?? [];
    return { key: name.slice(0, -2), scheduler: RULES[rule]!, steps: Number(steps), flowShift: Number(flowShift) };
  });

/** The reference's stand-in for a model: v(x, t) = ½ tanh x + 0.3 sin 3x + t/2000. */
function velocity(x: Float32Array, timestep: number): Float32Array {
  return x.map((value) => 0.5 * Math.tanh(value) + 0.3 * Math.sin(3 * value) + timestep / 2000);
}

test('the reference covers both rules', () => {
  expect(cases.map(({ key }) => key).sort()).toEqual([
    'euler.1.3.0',
    'euler.2.3.0',
    'euler.4.3.0',
    'euler.40.12.0',
    'euler.50.3.0',
    'euler.8.5.0',
    'unipc.1.3.0',
    'unipc.2.3.0',
    'unipc.4.3.0',
    'unipc.40.12.0',
    'unipc.50.3.0',
    'unipc.8.5.0',
  ]);
});

describe.each(cases)('$key', ({ key, scheduler, steps, flowShift }) => {
  const sampler = createSampler({ scheduler, order: 2, steps, flowShift });

  test('has the timesteps and sigmas of the reference', () => {
    const whole = scheduler === 'UniPC';
    const timesteps = whole ? golden.integers(`${key}.timesteps`).data : golden.f32(`${key}.timesteps`).data;
    expect(largestDifference(sampler.levels.timesteps, timesteps)).toBeLessThan(whole ? 1e-9 : 1e-3);
    expect(largestDifference(sampler.levels.sigmas, golden.f32(`${key}.sigmas`).data)).toBeLessThan(1e-7);
  });

  test('takes every step as the reference does', () => {
    const expected = golden.f32(`${key}.x`).data;
    const state = newBlockState(Float32Array.from({ length: 16 }, (_, index) => -2 + (index * 4) / 15));
    const seen = new Float32Array(expected.length);
    for (let step = 0; step < steps; step++) {
      sampler.step(state, velocity(state.x, sampler.levels.timesteps[step]!));
      seen.set(state.x, step * 16);
    }
    expect(largestDifference(seen, expected)).toBeLessThan(2e-6);
    expect(state.step).toBe(steps);
  });
});

test('a rule of order 1 keeps to one estimate', () => {
  const sampler = createSampler({ scheduler: 'UniPC', order: 1, steps: 3, flowShift: 3 });
  const state = newBlockState([1]);
  sampler.step(state, Float32Array.of(0.5));
  sampler.step(state, Float32Array.of(0.5));
  const again = { ...newBlockState([state.x[0]!]), last: state.last, estimate1: state.estimate1, step: 2 };
  sampler.step(state, Float32Array.of(0.5));
  sampler.step(again, Float32Array.of(0.5));
  expect(again.x).toEqual(state.x);
});

test('a step resumed from a copy of the state gives the same bits', () => {
  const sampler = createSampler({ scheduler: 'UniPC', order: 2, steps: 5, flowShift: 5 });
  const state = newBlockState([0.3, -1.7]);
  for (let step = 0; step < 3; step++) sampler.step(state, velocity(state.x, 500));
  const copy = structuredClone(state);
  for (const each of [state, copy]) sampler.step(each, velocity(each.x, 300));
  expect(copy).toEqual(state);
});

test.each([
  { scheduler: 'UniPC', steps: 50, flowShift: 3 },
  { scheduler: 'UniPC', steps: 1000, flowShift: 100 },
  { scheduler: 'UniPC', steps: 1, flowShift: 0.01 },
  { scheduler: 'FlowMatchEuler', steps: 40, flowShift: 12 },
] as const)('$scheduler with $steps steps and shift $flowShift has usable levels', (settings) => {
  expect(() => checkLevels({ ...settings, order: 2 })).not.toThrow();
});

test.each([
  { scheduler: 'UniPC', steps: 2, flowShift: 1e-30 },
  { scheduler: 'UniPC', steps: 12, flowShift: Number.MIN_VALUE },
  { scheduler: 'UniPC', steps: 12, flowShift: 0 },
  { scheduler: 'UniPC', steps: 12, flowShift: -3 },
  { scheduler: 'FlowMatchEuler', steps: 12, flowShift: 1e-30 },
  { scheduler: 'FlowMatchEuler', steps: 12, flowShift: Number.NaN },
] as const)('$scheduler with $steps steps and shift $flowShift is refused', (settings) => {
  expect(() => checkLevels({ ...settings, order: 2 })).toThrow(
    expect.objectContaining({
      code: 'E_SAMPLING_LEVELS',
      message: expect.stringContaining(`flowShift ${settings.flowShift} `),
    }),
  );
});
