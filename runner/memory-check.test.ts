import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { memoryProblem } from './memory-check.ts';
import { planMemory } from './memory-plan.ts';
import type { Device } from './ort/device.ts';
import { planJob, planModel } from './plan-job.ts';
import { openModel } from './weights/open-model.ts';

const GIB = 2 ** 30;
const model = openModel(join(import.meta.dirname, '../models/tiny'));

const film = (pixels: number, blockLatents = 4, contextLatents = 2) =>
  jobSpecSchema.parse({
    name: 'film',
    prompt: 'a red circle',
    frames: 8 * blockLatents + 1,
    size: { width: pixels, height: pixels },
    model: { ref: 'tiny', folder: model.folder },
    sampling: {},
    parallelism: { gpus: 2, blockLatents, contextLatents },
    output: { folder: '/nowhere' },
  });

function problemOf(spec: ReturnType<typeof film>, gib: number, device: Partial<Device> = {}): string | undefined {
  const devices = ['first', 'second'].map((name, index): Device => ({ kind: 'cpu', index, name, ...device }));
  const plan = planModel(spec, model, devices);
  const memory = planMemory(spec, plan, model, devices[0]!.kind);
  const room = { bytes: gib * GIB, place: 'this machine', of: '' };
  const replan: Parameters<typeof memoryProblem>[0]['replan'] = (other) => {
    return planModel(
      other,
      model,
      Array.from({ length: other.parallelism.gpus }, () => devices[0]!),
    );
  };
  return memoryProblem({ spec, plan, memory, model, devices, replan }, room)?.message;
}

describe('a film is refused where its memory is not there', () => {
  test('4096 × 4096 pixels on a machine of 24 GiB, which could make a smaller picture', () => {
    expect(problemOf(film(4096), 24)).toMatch(
      /^this film needs \d\d\.\d\d GiB of memory on this machine, which has 24\.00 GiB: \d+\.\d\d GiB too little; it would fit with /,
    );
  });

  test('and not where it is', () => {
    expect(problemOf(film(4096), 240)).toBeUndefined();
    expect(problemOf(film(256), 1)).toBeUndefined();
  });

  test('nothing fits where not even the program does', () => {
    expect(problemOf(film(256), 0.1)).toContain('nothing smaller was found that would');
  });

  test('on devices with memory of their own each stage is held to its own', () => {
    const cuda = { kind: 'cuda', memoryBytes: 2 * GIB } as const;
    expect(problemOf(film(1024), 240, cuda)).toMatch(
      /^stage 1 \(layers 4–7\) needs \d\.\d\d GiB of memory on second, which has 2\.00 GiB: \d\.\d\d GiB too little; it would fit with decoding\.tiling: true/,
    );
    expect(problemOf(film(1024), 240, { ...cuda, memoryBytes: 80 * GIB })).toBeUndefined();
  });
});

describe('a film that no machine could make', () => {
  const huge = film(4096, 512, 256);
  test('is refused before anything loads, with a way round that', () => {
    expect(() => planJob(huge, {}, { device: 'cpu' })).toThrow(
      expect.objectContaining({
        ...{ code: 'E_PLAN_MEMORY', exit: 'plan', fixer: 'user' },
        message: expect.stringContaining(' (to try it all the same: --ignore-memory, or '),
      }),
    );
  });

  test('is refused in a pod without a way round: nobody there could go it', () => {
    const pod = { KUBERNETES_SERVICE_HOST: '10.96.0.1' };
    expect(() => planJob(huge, pod, { device: 'cpu' })).toThrow(/^this film needs (?!.*IGNORE).*too little/i);
  });

  test('is not planned by a word of the environment that says neither yes nor no', () => {
    expect(() => planJob(huge, { DUALPARAL_IGNORE_MEMORY: 'true' }, { device: 'cpu' })).toThrow(
      "DUALPARAL_IGNORE_MEMORY must be 1 (yes) or 0 (no), found 'true'",
    );
  });

  test.each([
    { what: 'its maker', environment: {}, extras: { ignoreMemory: true } },
    { what: 'the environment', environment: { DUALPARAL_IGNORE_MEMORY: '1' }, extras: {} },
  ])('is planned with a warning if $what says so', ({ environment, extras }) => {
    const { deviceWarnings } = planJob(huge, environment, { device: 'cpu', ...extras });
    expect(deviceWarnings).toEqual([expect.stringMatching(/^it is tried all the same: this film needs \d+\.\d\d GiB/)]);
  });
});
