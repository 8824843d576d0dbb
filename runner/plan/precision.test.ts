import { expect, test } from 'vitest';
import { leastCapability, precisionWarnings, resolvePrecision } from './precision.ts';

const CPU = { kind: 'cpu', name: 'cpu:0' } as const;
const HOPPER = { kind: 'cuda', name: 'cuda:0 (NVIDIA H100)', capability: 9 } as const;
const AMPERE = { kind: 'cuda', name: 'cuda:1 (NVIDIA A100)', capability: 8 } as const;
const TURING = { kind: 'cuda', name: 'cuda:2 (Tesla T4)', capability: 7.5 } as const;

type Spec = Parameters<typeof resolvePrecision>[0];

function spec(sampling: Spec['sampling']['precision'], decoding: Spec['decoding']['precision'] = 'auto'): Spec {
  const rest = { steps: 4, guidanceScale: 5, maxSequenceLength: 64, noise: 'counter' } as const;
  return { sampling: { ...rest, precision: sampling }, decoding: { tiling: false, precision: decoding } };
}

test.each([
  { asked: 'auto', stored: 'bfloat16', devices: [CPU], found: 'float32' },
  { asked: 'auto', stored: 'float16', devices: [CPU, CPU], found: 'float32' },
  { asked: 'auto', stored: 'float32', devices: [HOPPER], found: 'float32' },
  { asked: 'auto', stored: 'bfloat16', devices: [HOPPER], found: 'bfloat16' },
  { asked: 'auto', stored: 'bfloat16', devices: [HOPPER, AMPERE], found: 'bfloat16' },
  { asked: 'auto', stored: 'float16', devices: [TURING], found: 'float16' },
  { asked: 'auto', stored: 'float32', devices: [TURING], found: 'float32' },
  { asked: 'float32', stored: 'bfloat16', devices: [HOPPER], found: 'float32' },
  { asked: 'float32', stored: 'bfloat16', devices: [TURING], found: 'float32' },
  { asked: 'float16', stored: 'bfloat16', devices: [TURING], found: 'float16' },
  { asked: 'float16', stored: 'float32', devices: [CPU], found: 'float16' },
  { asked: 'bfloat16', stored: 'float32', devices: [HOPPER], found: 'bfloat16' },
] as const)('$asked for a model in $stored on $devices.0.name is $found', ({ asked, stored, devices, found }) => {
  expect(resolvePrecision(spec(asked), stored, devices)).toEqual({ sampling: found, decoding: 'float32' });
});

test.each([
  { asked: 'auto', devices: [HOPPER], found: 'float32' },
  { asked: 'auto', devices: [CPU], found: 'float32' },
  { asked: 'float16', devices: [HOPPER], found: 'float16' },
  { asked: 'float16', devices: [CPU], found: 'float16' },
  { asked: 'float32', devices: [HOPPER], found: 'float32' },
] as const)('the decoder by $asked on $devices.0.name computes in $found', ({ asked, devices, found }) => {
  expect(resolvePrecision(spec('float32', asked), 'bfloat16', devices).decoding).toBe(found);
});

test.each([
  {
    asked: 'bfloat16',
    stored: 'bfloat16',
    devices: [CPU],
    says: 'sampling.precision is bfloat16: cpu:0 cannot compute in it (the processor has no arithmetic for it); make sampling.precision auto or float32 there, or use a GPU that can',
  },
  {
    asked: 'bfloat16',
    stored: 'float32',
    devices: [AMPERE, TURING],
    says: 'sampling.precision is bfloat16: cuda:2 (Tesla T4) cannot compute in it (compute capability 7.5, 8.0 is needed); make sampling.precision float16 or float32 there, or use a GPU that can',
  },
  {
    asked: 'auto',
    stored: 'bfloat16',
    devices: [TURING],
    says: /^sampling\.precision is auto, which for this model is bfloat16: cuda:2 .*make sampling\.precision float16 or float32/,
  },
] as const)('$asked for a model in $stored on $devices.0.name is refused', ({ asked, stored, devices, says }) => {
  expect(() => resolvePrecision(spec(asked), stored, devices)).toThrow(
    expect.objectContaining({
      code: 'E_PLAN_PRECISION',
      exit: 'plan',
      message: typeof says === 'string' ? says : expect.stringMatching(says),
    }),
  );
});

test.each([
  { asked: 'auto', stored: 'bfloat16', least: AMPERE.capability },
  { asked: 'auto', stored: 'float16', least: 0 },
  { asked: 'bfloat16', stored: 'float32', least: AMPERE.capability },
  { asked: 'float32', stored: 'bfloat16', least: 0 },
] as const)('$asked for a model in $stored needs compute capability $least', ({ asked, stored, least }) => {
  expect(leastCapability(spec(asked), stored)).toBe(least);
});

test.each([
  { sampling: 'float32', decoding: 'float32', devices: [CPU], fields: [] },
  { sampling: 'float16', decoding: 'float32', devices: [CPU], fields: ['sampling.precision'] },
  { sampling: 'float16', decoding: 'float16', devices: [CPU], fields: ['sampling.precision', 'decoding.precision'] },
  { sampling: 'float16', decoding: 'float16', devices: [HOPPER], fields: [] },
] as const)('$sampling and $decoding on $devices.0.name warn of $fields', ({ sampling, decoding, devices, fields }) => {
  const warnings = precisionWarnings({ sampling, decoding }, devices);
  expect(warnings.map((warning) => warning.split(' ')[0])).toEqual(fields);
});
