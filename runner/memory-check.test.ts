import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { findingsOf, gpuOf } from '../test/build/gpu.ts';
import type { PublishedModel } from '../test/full-size/published-configs.ts';
import { writePublishedModel } from '../test/full-size/published-model.ts';
import { hasRoom, memoryProblem, withMissing } from './memory-check.ts';
import { planMemory } from './memory-plan.ts';
import type { Device } from './ort/device.ts';
import { CUDA_ITSELF_BYTES } from './ort/device-fitness.ts';
import type { CutOptions } from './plan/cut-by-time.ts';
import { planJob, planModel } from './plan-job.ts';
import { type Model, openModel } from './weights/open-model.ts';

const GIB = 2 ** 30;
const model = openModel(join(import.meta.dirname, '../models/tiny'));
const scratch = mkdtempSync(join(tmpdir(), 'memory-check-'));
afterAll(() => rmSync(scratch, { recursive: true }));

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

const NAMES = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'];

/** Memory of each device in GiB, where they are not alike, and which there are for another number of stages. */
interface Others {
  readonly memories?: readonly number[];
  readonly more?: (devices: readonly Device[], count: number) => readonly Device[] | undefined;
}

/** Why a film of `of` does not fit into so many GiB, on devices of one kind; undefined where it does. */
function problemOf(
  spec: ReturnType<typeof film>,
  gib: number,
  device: Partial<Device> = {},
  of: Model = model,
  { memories = [], more = withMissing }: Others = {},
): string | undefined {
  const names = NAMES.slice(0, spec.parallelism.gpus);
  const devices = names.map((name, index): Device => {
    const memory = memories[index] === undefined ? {} : { memoryBytes: memories[index] * GIB };
    return { kind: 'cpu', index, name, ...device, ...memory };
  });
  const room = { bytes: gib * GIB, place: 'this machine', of: '' };
  const plans = [{}, { isUndivided: true }].map((options) => {
    const one = planModel(spec, of, devices, options);
    return { plan: one, memory: planMemory(spec, one, of, devices[0]!.kind) };
  });
  const { plan, memory } = plans.find((one) => hasRoom({ spec, devices, ...one }, room)) ?? plans[0]!;
  const replan = (other: typeof spec, others: readonly Device[], options: CutOptions) =>
    planModel(other, of, others, options);
  const devicesFor = (count: number) => more(devices, count);
  return memoryProblem({ spec, plan, memory, model: of, devices, devicesFor, replan }, room)?.message;
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
      /^stage 1 \(layers 4–7, and the decoder\) needs \d\.\d\d GiB of memory on second, which has 2\.00 GiB: \d\.\d\d GiB too little; it would fit with decoding\.tiling: true/,
    );
    expect(problemOf(film(1024), 240, { ...cuda, memoryBytes: 80 * GIB })).toBeUndefined();
  });
});

describe('on the processor each stage takes memory of its own', () => {
  const on = (gpus: number) => ({ ...film(256), parallelism: { ...film(256).parallelism, gpus } });

  test('so that fewer stages are the first thing that is said, as many as there is room for', () => {
    const [few, many] = [1, 8].map((gpus) =>
      planMemory(on(gpus), planModel(on(gpus), model, standIns(gpus), { isUndivided: true }), model, 'cpu'),
    );
    const gib = (few!.processBytes + many!.processBytes) / 2 / GIB + 0.1;
    const said = Number(/it would fit with parallelism\.gpus: (\d+)/.exec(problemOf(on(8), gib) ?? '')?.[1]);
    expect(problemOf(on(said), gib)).toBeUndefined();
    expect(problemOf(on(said + 1), gib)).toBeDefined();
  });

  const standIns = (count: number) =>
    NAMES.slice(0, count).map((name, index): Device => ({ kind: 'cpu', index, name }));
});

describe('published models in bfloat16 on GPUs', () => {
  /** Eight blocks and their neighbours at 480p, as `examples/lighthouse.yaml` has it. */
  function published(name: PublishedModel, gpus: number, decoding: object = {}) {
    const folder = join(scratch, name);
    writePublishedModel(folder, name);
    const spec = jobSpecSchema.parse({
      name: 'film',
      prompt: 'a lighthouse in a storm',
      frames: 1025,
      size: { width: 832, height: 480 },
      model: { ref: name, folder },
      sampling: { steps: 50, precision: 'bfloat16' },
      decoding,
      parallelism: { gpus, blockLatents: 8, contextLatents: 4 },
      output: { folder: '/nowhere' },
    });
    const of = openModel(folder);
    return (mebibytes: number) => problemOf(spec, 240, { kind: 'cuda', memoryBytes: mebibytes * 2 ** 20 }, of);
  }

  test('the film of the example fits eight cards of 24 GB', () => {
    expect(published('Wan2.1-T2V-1.3B', 8)(22_500)).toBeUndefined();
  });

  test('as many more cards as are needed are said, and not twice as many', () => {
    const problem = published('Wan2.1-T2V-14B', 2)(32_000);
    expect(problem).toMatch(/^stage 1 /);
    expect(problem).toMatch(/it would fit with .*parallelism\.gpus: 3\b/);
    expect(published('Wan2.1-T2V-14B', 3)(32_000)).toBeUndefined();
  });

  test('a decoder in float16 is said where that is what the last card lacks, and is planned so', () => {
    const problem = published('Wan2.1-T2V-1.3B', 2)(14_400);
    expect(problem).toMatch(/it would fit with decoding\.tiling: true, or with decoding\.precision: float16/);
    expect(published('Wan2.1-T2V-1.3B', 2, { precision: 'float16' })(14_400)).toBeUndefined();
  });
});

describe('what is said is something that can be done', () => {
  const cuda = { kind: 'cuda', memoryBytes: 2 * GIB } as const;
  const asked = (parallelism: object, base = film(1024)) => ({
    ...base,
    parallelism: { ...base.parallelism, ...parallelism },
  });
  const untiled = (spec: ReturnType<typeof film>) => ({ ...spec, decoding: { ...spec.decoding, tiling: true } });
  const onlyThese = (devices: readonly Device[], count: number) =>
    count > devices.length ? undefined : devices.slice(0, count);
  const wide = untiled(asked({ gpus: 1 }, film(1024, 8, 4)));
  const few = { ...cuda, memoryBytes: 1.15 * GIB };

  test('more GPUs where they can be asked for, and not on a machine that has no more', () => {
    expect(problemOf(wide, 240, few)).toMatch(/parallelism\.gpus: [2-8]/);
    const here = problemOf(wide, 240, few, model, { more: onlyThese });
    expect(here).toMatch(/it would fit with /);
    expect(here).not.toContain('parallelism.gpus');
  });

  test('GPUs that are missing are taken to be like the smallest', () => {
    const countOf = (memories: readonly number[]) => {
      const message = problemOf(asked({ gpus: 2 }, wide), 240, few, model, { memories });
      return Number(/parallelism\.gpus: (\d+)/.exec(message ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
    };
    expect(
      withMissing(
        [
          { ...cuda, index: 0, name: 'large' },
          { ...few, index: 1, name: 'small' },
        ],
        4,
      ),
    ).toEqual([{ ...cuda, index: 0, name: 'large' }, ...new Array(3).fill({ ...few, index: 1, name: 'small' })]);
    expect(countOf([4, 0.7])).toBe(countOf([0.7, 0.7]));
  });

  test('nothing that the rules of the specification refuse', () => {
    const least = asked({ gpus: 8, minGpus: 6, guidanceParallel: true }, film(256));
    const [few, many] = [2, 8].map((gpus) => {
      const spec = asked({ gpus, guidanceParallel: true }, film(256));
      const devices = NAMES.slice(0, gpus).map((name, index): Device => ({ kind: 'cpu', index, name }));
      return planMemory(spec, planModel(spec, model, devices, { isUndivided: true }), model, 'cpu').processBytes;
    });
    const message = problemOf(least, (few! + many!) / 2 / GIB + 0.1);
    const [, gpus, , also] = /parallelism\.gpus: (\d+)( and minGpus: (\d+))?/.exec(message ?? '') ?? [];
    expect(Number(gpus) % 2).toBe(0);
    expect(Number(gpus) < 6 ? also : '6').toBe(Number(gpus) < 6 ? gpus : '6');
  });

  test('nothing that others have left too little for, but as what would be without them', () => {
    const spec = film(1024);
    const tiled = /decoding\.tiling: true/;
    expect(problemOf(spec, 240, cuda)).toMatch(tiled);
    const held = problemOf(spec, 240, { ...cuda, memoryLimitBytes: 0.1 * GIB });
    expect(held).toMatch(
      /; once what others hold of the GPUs is free \(E_DEVICE_HELD\), it would fit with decoding\.tiling: true/,
    );
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

describe('a decoder in parts takes more of some devices than in one piece, and less of the last one', () => {
  const spec = {
    ...film(768),
    sampling: jobSpecSchema.shape.sampling.parse({ guidanceScale: 1, steps: 8 }),
    parallelism: { ...film(768).parallelism, gpus: 4 },
  };
  /** First units of the parts on GPUs of which so much is left to films, in GiB. */
  const partsOn = (...rooms: readonly number[]) => {
    const gpus = rooms.map((gib, index) => {
      const bytes = gib * GIB + CUDA_ITSELF_BYTES;
      return gpuOf(index, { totalBytes: bytes, freeBytes: bytes });
    });
    const { plan } = planJob(spec, {}, { device: 'cuda', found: findingsOf(gpus) });
    return plan.decoderParts.map(({ stage }) => stage);
  };

  test('parts are taken where they fit', () => {
    expect(partsOn(80, 80, 80, 80)).toEqual([0, 1, 2, 3]);
    expect(partsOn(80, 80, 80, 1.3)).toEqual([0, 1, 2, 3]);
  });

  test('one piece is, where only that fits', () => {
    expect(partsOn(80, 80, 0.9, 80)).toEqual([3]);
  });

  test('where neither fits the error names the device of the part that does not', () => {
    expect(() => partsOn(80, 80, 0.9, 1.3)).toThrow(/^stage 2 \(layers \d–\d, and a part of the decoder\) needs/);
  });
});
