import { describe, expect, test } from 'vitest';
import { findingsOf, gpuOf } from '../../test/build/gpu.ts';
import type { DeviceChoice } from './device-choice.ts';
import { CUDA_ITSELF_BYTES } from './device-fitness.ts';
import type { Gpu, GpuFindings } from './gpu.ts';
import { heldMemoryProblem, pickDevices, type Wish } from './pick-devices.ts';

const GIB = 2 ** 30;
const GIVEN = 'NVIDIA_VISIBLE_DEVICES=GPU-1';

function wish(choice: DeviceChoice, changes: Partial<Wish> = {}): Wish {
  return { stages: 1, asked: { choice, field: '--device' }, given: undefined, environment: {}, ...changes };
}

const OLD = findingsOf([gpuOf(0)], { driver: { kind: 'read', cudaVersion: 12_040, devices: [gpuOf(0)] } });
const FULL = gpuOf(0, { freeBytes: 0.5 * GIB, processes: [{ pid: 7, bytes: 79 * GIB }] });

/** Machines on which no GPU can be used, and what is said of each. */
const UNUSABLE: readonly { what: string; found: GpuFindings; code: string; says: RegExp; isUsual?: boolean }[] = [
  {
    what: 'no driver',
    found: findingsOf([], { driver: { kind: 'absent', detail: 'no such file' } }),
    code: 'E_DEVICE_DRIVER',
    says: /libcuda\.so\.1: no such file/,
    isUsual: true,
  },
  {
    what: 'a driver that fails',
    found: findingsOf([], { driver: { kind: 'failed', detail: 'cuInit: CUDA_ERROR_UNKNOWN, error 999' } }),
    code: 'E_DEVICE_DRIVER_FAILED',
    says: /in cuInit: CUDA_ERROR_UNKNOWN, error 999/,
  },
  {
    what: 'an old driver',
    found: OLD,
    code: 'E_DEVICE_DRIVER_OLD',
    says: /580\.65\.06 is too old: it offers CUDA 12\.4, CUDA 13\.0 is needed.*driver 580 or newer/,
  },
  {
    what: 'an old driver without NVML',
    found: { ...OLD, nvml: { kind: 'absent', detail: '' } },
    code: 'E_DEVICE_DRIVER_OLD',
    says: /the NVIDIA driver is too old/,
  },
  { what: 'a driver without GPUs', found: findingsOf([]), code: 'E_DEVICE_NONE', says: /shows no GPU/, isUsual: true },
  {
    what: 'a runtime without CUDA',
    found: findingsOf([gpuOf(0)], { provider: { missing: ['/app/libonnxruntime_providers_cuda.so'] } }),
    code: 'E_DEVICE_PROVIDER',
    says: /\/app\/libonnxruntime_providers_cuda\.so cannot be loaded/,
  },
  {
    what: 'an old GPU',
    found: findingsOf([gpuOf(0, { name: 'Tesla V100', major: 7, minor: 0 })]),
    code: 'E_DEVICE_CAPABILITY',
    says: /cuda:0 \(Tesla V100\) has compute capability 7\.0, at least 7\.5/,
  },
  {
    what: 'a GPU in slices, none of them named',
    found: findingsOf([gpuOf(0, { mig: 'cut' })]),
    code: 'E_DEVICE_MIG',
    says: /cut into slices \(MIG\)/,
  },
  {
    what: 'a GPU that somebody else fills',
    found: findingsOf([FULL]),
    code: 'E_DEVICE_HELD',
    says: /0\.50 GiB of 80\.00 GiB free, 0\.66 GiB is needed, held by process 7 \(79\.00 GiB\)/,
  },
];

describe.each(UNUSABLE)('a machine with $what', ({ found, code, says, isUsual = false }) => {
  test('refuses a film for which CUDA was asked, and says why', () => {
    const failure = caught(() => pickDevices(wish('cuda'), found));
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(says);
    expect(failure.message).toContain('--device asks for CUDA');
  });

  test('refuses a film of a process that was given GPUs', () => {
    const failure = caught(() => pickDevices(wish('auto', { given: GIVEN }), found));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(`given GPUs by ${GIVEN}`);
  });

  test('makes any other film on the processor, and names a GPU that is left aside', () => {
    const { devices, warnings } = pickDevices(wish('auto', { stages: 2 }), found);
    expect(devices.map(({ name }) => name)).toEqual(['cpu:0', 'cpu:1']);
    expect(warnings).toEqual(isUsual ? [] : [expect.stringMatching(says)]);
  });

  test('names what is missing where GPUs may be seen that nobody has given', () => {
    const environment = { NVIDIA_VISIBLE_DEVICES: 'all' };
    const { devices, warnings } = pickDevices(wish('auto', { environment }), found);
    expect(devices.map(({ kind }) => kind)).toEqual(['cpu']);
    expect(warnings).toEqual([expect.stringMatching(says)]);
    expect(warnings[0]).toContain('NVIDIA_VISIBLE_DEVICES=all');
    expect(pickDevices(wish('cpu', { environment }), found).warnings).toEqual([]);
  });

  test('makes a film on the processor where that is asked for, whatever was given', () => {
    const { devices, warnings } = pickDevices(wish('cpu', { given: GIVEN }), found);
    expect([devices.map(({ kind }) => kind), warnings]).toEqual([['cpu'], []]);
  });
});

const busy = (index: number) => gpuOf(index, { processes: [{ pid: 9, bytes: GIB }], freeBytes: 70 * GIB });
const old = (index: number) => gpuOf(index, { major: 5 });

const T4 = { name: 'Tesla T4', major: 7, minor: 5, totalBytes: 16 * GIB, freeBytes: 15 * GIB };
const RTX = { name: 'NVIDIA RTX 4000', major: 8, minor: 9, totalBytes: 8 * GIB, freeBytes: 8 * GIB };

test.each<{ what: string; gpus: readonly Gpu[]; stages: number; least?: number; want: readonly number[] }>([
  { what: 'as many as stages, from the first', gpus: [gpuOf(0), gpuOf(1), gpuOf(2)], stages: 2, want: [0, 1] },
  { what: 'past one that is too old', gpus: [old(0), gpuOf(1), gpuOf(2)], stages: 2, want: [1, 2] },
  { what: 'those that nobody uses first', gpus: [busy(0), gpuOf(1), gpuOf(2)], stages: 2, want: [1, 2] },
  { what: 'used ones where there are no others', gpus: [busy(0), gpuOf(1), busy(2)], stages: 2, want: [0, 1] },
  {
    what: 'one whose memory nobody knows',
    gpus: [gpuOf(0, { freeBytes: null, mig: 'unknown' })],
    stages: 1,
    want: [0],
  },
  { what: 'a slice', gpus: [gpuOf(0, { mig: 'slice' })], stages: 1, want: [0] },
  {
    what: 'those with room, where a container does not tell who holds the others',
    gpus: [gpuOf(0, { freeBytes: 0.7 * GIB }), gpuOf(1)],
    stages: 1,
    want: [1],
  },
  { what: 'the larger first', gpus: [gpuOf(0, RTX), gpuOf(1)], stages: 1, want: [1] },
  {
    what: 'those that compute in the format first, however small',
    gpus: [gpuOf(0, { ...T4, totalBytes: 90 * GIB, freeBytes: 90 * GIB }), gpuOf(1, RTX)],
    stages: 1,
    least: 8,
    want: [1],
  },
  {
    what: 'by memory where every one computes in the format',
    gpus: [gpuOf(0, RTX), gpuOf(1, T4)],
    stages: 1,
    want: [1],
  },
  {
    what: 'in the order of their numbers, the roomy ones among them',
    gpus: [gpuOf(0), gpuOf(1, RTX), gpuOf(2), gpuOf(3, { freeBytes: 79.5 * GIB })],
    stages: 3,
    want: [0, 2, 3],
  },
])('GPUs are taken $what', ({ gpus, stages, least, want }) => {
  const { devices, gpus: behind } = pickDevices(wish('auto', { stages, leastCapability: least }), findingsOf(gpus));
  expect(devices.map(({ kind, index }) => [kind, index])).toEqual(want.map((index) => ['cuda', index]));
  expect(behind.map(({ index }) => index)).toEqual(want);
});

test('a device is limited to what is free of it, less what CUDA takes for itself', () => {
  const { devices } = pickDevices(wish('auto'), findingsOf([gpuOf(0, { freeBytes: 70 * GIB })]));
  expect(devices).toEqual([
    {
      kind: 'cuda',
      index: 0,
      name: 'cuda:0 (NVIDIA H100 80GB HBM3)',
      card: 'NVIDIA H100 80GB HBM3',
      memoryLimitBytes: 70 * GIB - CUDA_ITSELF_BYTES,
      memoryBytes: 80 * GIB - CUDA_ITSELF_BYTES,
      capability: 9,
    },
  ]);
});

test('free memory that nobody tells is a warning that names the GPU and why', () => {
  const nvml = { kind: 'read', driverVersion: null, devices: [], problems: ['GPU 3 of NVML: error 15'] } as const;
  const gpus = [gpuOf(0), gpuOf(1, { freeBytes: null }), gpuOf(2, { freeBytes: null })];
  const warningsOf = (stages: number) => pickDevices(wish('cuda', { stages }), findingsOf(gpus, { nvml })).warnings;
  expect(warningsOf(2)).toEqual([
    'the free memory of cuda:1 (NVIDIA H100 80GB HBM3) is not known (GPU 3 of NVML: error 15): all of it is taken as free',
  ]);
  expect(warningsOf(1)).toEqual([]);
});

test('GPUs of several kinds are a warning: their kernels differ', () => {
  const ada = gpuOf(1, { major: 8, minor: 9 });
  expect(pickDevices(wish('auto', { stages: 2 }), findingsOf([gpuOf(0), ada])).warnings).toEqual([
    expect.stringContaining('several kinds (compute capability 9.0, 8.9)'),
  ]);
  expect(pickDevices(wish('auto', { stages: 2 }), findingsOf([gpuOf(0), gpuOf(1), ada])).warnings).toEqual([]);
});

test('a slice is no card, whatever its name', () => {
  const { devices } = pickDevices(wish('auto'), findingsOf([gpuOf(0, { mig: 'slice' })]));
  expect(devices[0]).not.toHaveProperty('card');
});

test.each<{ what: string; gpus: readonly Gpu[]; says: RegExp }>([
  { what: 'one GPU', gpus: [gpuOf(0)], says: /2 stages need a GPU each, 1 of 1 can be used; --device cpu/ },
  { what: 'a slice', gpus: [gpuOf(0, { mig: 'slice' })], says: /1 of 1 can be used \(a process can use one slice/ },
  { what: 'one good GPU of two', gpus: [gpuOf(0), old(1)], says: /1 of 2 can be used \(cuda:1 .*capability 5\.0/ },
])('two stages are refused on $what, also where nobody asked for CUDA', ({ gpus, says }) => {
  const failure = caught(() => pickDevices(wish('auto', { stages: 2 }), findingsOf(gpus)));
  expect(failure.code).toBe('E_DEVICE_COUNT');
  expect(failure.message).toMatch(says);
});

test('GPUs that a variable hides are said to be hidden by it', () => {
  const hidden = wish('cuda', { environment: { CUDA_VISIBLE_DEVICES: '' } });
  expect(caught(() => pickDevices(hidden, findingsOf([]))).message).toContain("(CUDA_VISIBLE_DEVICES='' ");
});

test('a stage that would fit if nobody else held memory is refused with what is free, needed and held', () => {
  const chosen = pickDevices(wish('auto', { stages: 2 }), findingsOf([gpuOf(0), busy(1)]));
  expect(heldMemoryProblem(chosen, [60 * GIB, 60 * GIB])).toBeUndefined();
  const failure = heldMemoryProblem(chosen, [75 * GIB, 75 * GIB])!;
  expect([failure.code, failure.message]).toEqual([
    'E_DEVICE_HELD',
    expect.stringMatching(
      /^cuda:1 .* has 70\.00 GiB of 80\.00 GiB free, 75\.66 GiB is needed, held by process 9 \(1\.00 GiB\)/,
    ),
  ]);
});

test('the processor has no memory to check', () => {
  expect(heldMemoryProblem(pickDevices(wish('cpu'), findingsOf([])), [80 * GIB])).toBeUndefined();
});

test('a film of more stages would get the best of what is there, and nothing where there are not so many', () => {
  const chosen = pickDevices(wish('auto', { stages: 1 }), findingsOf([busy(0), gpuOf(1), gpuOf(2)]));
  const indices = (stages: number) => chosen.forStages(stages)?.map(({ index }) => index);
  expect(indices(1)).toEqual(chosen.devices.map(({ index }) => index));
  expect([2, 3, 4].map(indices)).toEqual([[1, 2], [0, 1, 2], undefined]);
  expect(pickDevices(wish('cpu'), findingsOf([])).forStages(7)).toHaveLength(7);
});

function caught(run: () => unknown): { readonly code: string; readonly message: string } {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
}
