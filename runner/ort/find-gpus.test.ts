import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  buildGpuLibraries,
  canBuildLibraries,
  type DoubleMachine,
  doubleEnvironment,
} from '../../test/double/gpu-libraries.ts';
import { readProvider } from './cuda-provider.ts';
import { readDriver } from './driver.ts';
import { findGpus } from './find-gpus.ts';
import { joinGpus } from './gpu.ts';
import { readNvml } from './nvml.ts';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'dualparal-gpus-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hex = (last: string) => `8d1c0a3e00004000800000000000000${last}`;
const uuid = (last: string) => `8d1c0a3e-0000-4000-8000-00000000000${last}`;

const TWO: DoubleMachine = {
  cuda: [
    { uuid: hex('b'), peers: '1', name: 'second' },
    { uuid: hex('a'), major: 12, minor: 1, mebibytes: 24_000 },
  ],
  nvml: [{ uuid: `GPU-${uuid('a')}`, freeMebibytes: 40_960, processes: 2 }, { uuid: `GPU-${uuid('b')}` }],
};

describe.skipIf(!canBuildLibraries)('the libraries of a GPU (stand-ins; needs cc)', () => {
  beforeAll(() => buildGpuLibraries(folder));
  afterEach(() => {
    delete process.env.DUALPARAL_ORT_LIBRARY;
    for (const name of Object.keys(process.env)) if (name.startsWith('DOUBLE_')) delete process.env[name];
  });

  const driverOf = (machine: DoubleMachine) => {
    Object.assign(process.env, doubleEnvironment(machine));
    return readDriver(join(folder, 'driver/libcuda.so.1'));
  };
  const nvmlOf = (machine: DoubleMachine) => {
    Object.assign(process.env, doubleEnvironment(machine));
    return readNvml(join(folder, 'nvml/libnvidia-ml.so.1'));
  };

  test('the driver tells version and devices, with the peers of each', () => {
    expect(driverOf({ ...TWO, cudaVersion: 13_010 })).toEqual({
      kind: 'read',
      cudaVersion: 13_010,
      devices: [
        { index: 0, uuid: uuid('b'), name: 'second', major: 9, minor: 0, totalBytes: 81_000 * MIB, peers: [1] },
        { index: 1, uuid: uuid('a'), name: 'NVIDIA H100', major: 12, minor: 1, totalBytes: 24_000 * MIB, peers: [] },
      ],
    });
  });

  test('eight GPUs that all reach each other are told as such', () => {
    const cuda = Array.from({ length: 8 }, (_, index) => ({ uuid: hex(String(index)), peers: '01234567' }));
    const reading = driverOf({ cuda, nvml: [] });
    expect(reading.kind === 'read' && reading.devices.map(({ peers }) => peers.length)).toEqual(Array(8).fill(7));
  });

  test('NVML tells memory and processes; bytes that it does not know are null', () => {
    expect(nvmlOf(TWO)).toMatchObject({
      driverVersion: '580.65.06',
      devices: [
        {
          uuid: `GPU-${uuid('a')}`,
          totalBytes: 81_559 * MIB,
          freeBytes: 40_960 * MIB,
          mig: 'no',
          processes: [
            { pid: 1000, bytes: 1024 * MIB },
            { pid: 1001, bytes: null },
          ],
        },
        { uuid: `GPU-${uuid('b')}`, processes: [] },
      ],
    });
  });

  test('slices of a GPU (MIG) are listed after it, past empty slots, and matched with what the driver shows', () => {
    const machine: DoubleMachine = {
      cuda: [{ uuid: hex('d'), mebibytes: 9_000 }],
      nvml: [{ uuid: `GPU-${uuid('a')}` }],
      slices: [
        { uuid: `MIG-${uuid('c')}`, freeMebibytes: 1_000 },
        { uuid: `MIG-${uuid('d')}`, freeMebibytes: 8_000, name: 'NVIDIA H100 MIG 1g.10gb' },
      ],
    };
    const nvml = nvmlOf(machine);
    expect(nvml.kind === 'read' && nvml.devices.map(({ mig }) => mig)).toEqual(['cut', 'slice', 'slice']);
    expect(joinGpus(driverOf(machine), nvml)).toMatchObject([
      { uuid: `MIG-${uuid('d')}`, mig: 'slice', name: 'NVIDIA H100 MIG 1g.10gb', freeBytes: 8_000 * MIB },
    ]);
  });

  test.each([
    ...['cuDriverGetVersion', 'cuInit', 'cuDeviceGetCount', 'cuDeviceGet', 'cuDeviceGetUuid_v2', 'cuDeviceGetName'],
    ...['cuDeviceTotalMem_v2', 'cuDeviceGetAttribute', 'cuDeviceCanAccessPeer'],
  ])('a driver that fails in %s is said to, by that name', (call) => {
    const detail = `${call}: CUDA_ERROR_UNKNOWN, unknown error, error 999`;
    expect(driverOf({ ...TWO, fail: { [call]: 999 } })).toEqual({ kind: 'failed', detail });
  });

  test('an error for which the driver has no words keeps its number', () => {
    expect(driverOf({ ...TWO, fail: { cuInit: 803 } })).toEqual({ kind: 'failed', detail: 'cuInit: error 803' });
  });

  test('a driver without devices is read, not failed', () => {
    expect(driverOf({ ...TWO, fail: { cuInit: 100 } })).toEqual({ kind: 'read', cudaVersion: 13_000, devices: [] });
  });

  test.each([
    { call: 'nvmlInit_v2', code: 9, detail: 'nvmlInit_v2: Driver Not Loaded, error 9' },
    { call: 'nvmlDeviceGetCount_v2', code: 999, detail: 'nvmlDeviceGetCount_v2: Unknown Error, error 999' },
  ])('NVML that fails in $call is said to, by that name', ({ call, code, detail }) => {
    expect(nvmlOf({ ...TWO, fail: { [call]: code } })).toEqual({ kind: 'failed', detail });
  });

  const OTHER = { uuid: `GPU-${uuid('b')}`, freeBytes: 81_000 * MIB };
  test.each([
    { call: 'nvmlDeviceGetHandleByIndex_v2', first: [] },
    { call: 'nvmlDeviceGetUUID', first: [] },
    { call: 'nvmlDeviceGetMemoryInfo', first: [{ uuid: `GPU-${uuid('a')}`, totalBytes: null, freeBytes: null }] },
  ])('NVML that fails in $call for one GPU is said to, and tells of the other', ({ call, first }) => {
    const problems = [`GPU 0 of NVML: ${call}: Unknown Error, error 15`];
    expect(nvmlOf({ ...TWO, fail: { [`${call}@0`]: 15 } })).toMatchObject({ devices: [...first, OTHER], problems });
  });

  test('NVML that fails for every GPU says so of each', () => {
    const reading = nvmlOf({ ...TWO, fail: { nvmlDeviceGetMemoryInfo: 15 } });
    expect(reading.kind === 'read' && reading.problems.map((problem) => problem.slice(0, 5))).toEqual([
      'GPU 0',
      'GPU 1',
    ]);
  });

  test('NVML that tells neither its version nor names still tells memory', () => {
    const fail = { nvmlSystemGetDriverVersion: 3, nvmlDeviceGetName: 3 };
    const expected = { name: null, freeBytes: 40_960 * MIB };
    expect(nvmlOf({ ...TWO, fail })).toMatchObject({ driverVersion: null, devices: [expected, {}], problems: [] });
  });

  test('NVML that tells neither processes nor slices still tells memory', () => {
    const fail = { nvmlDeviceGetComputeRunningProcesses_v3: 3, nvmlDeviceGetMigMode: 3 };
    const expected = { freeBytes: 40_960 * MIB, processes: null, mig: 'no' };
    expect(nvmlOf({ ...TWO, fail })).toMatchObject({ devices: [expected, {}] });
  });

  test('a library of another kind is a driver that fails by the function that it lacks', () => {
    expect(readDriver(join(folder, 'empty.so'))).toMatchObject({
      kind: 'failed',
      detail: expect.stringContaining('cuDriverGetVersion'),
    });
    expect(readNvml(join(folder, 'empty.so'))).toMatchObject({
      kind: 'failed',
      detail: expect.stringContaining('nvmlInit_v2'),
    });
  });

  test.each([
    { what: 'lines', prints: '"hello\\n{\\"at\\":3}\\nnull\\n"' },
    { what: 'a line without an end', prints: '"loading "' },
    { what: 'more than a pipe holds', prints: 'long' },
  ])('what libraries print on standard output ($what) says nothing of them', async ({ prints }) => {
    const noisy = join(folder, 'noisy.so');
    const text = prints === 'long' ? 'for (int i = 0; i < 300000; i++) puts("noise")' : `fputs(${prints}, stdout)`;
    const source = `#include <stdio.h>\n__attribute__((constructor)) static void hi(void) { ${text}; fflush(stdout); }\n`;
    execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-o', noisy, '-'], { input: source });
    process.env.DUALPARAL_ORT_LIBRARY = join(folder, 'runtime/libonnxruntime.so.1');
    const found = await findGpus({
      environment: {
        ...process.env,
        ...doubleEnvironment(TWO),
        LD_LIBRARY_PATH: ['driver', 'nvml', 'cuda'].map((part) => join(folder, part)).join(':'),
        LD_PRELOAD: noisy,
      },
      milliseconds: 60_000,
    });
    expect(found).toMatchObject({ driver: { kind: 'read' }, nvml: { kind: 'read' }, provider: { missing: [] } });
    expect(found.gpus.map(({ freeBytes }) => freeBytes)).toEqual([81_000 * MIB, 24_000 * MIB]);
  });

  test('the CUDA provider is missing by the files that are not beside the runtime', async () => {
    const look = { environment: process.env, milliseconds: 60_000 };
    expect((await readProvider(look, join(folder, 'cuda/libonnxruntime.so.1'))).missing).toEqual([
      join(folder, 'cuda/libonnxruntime_providers_shared.so'),
      join(folder, 'cuda/libonnxruntime_providers_cuda.so'),
    ]);
  });
});

test('libraries that are not there are absent, in the words of the loader', () => {
  const missing = join(folder, 'no-such-library.so');
  expect(readDriver(missing)).toMatchObject({ kind: 'absent', detail: expect.stringMatching(/no such file/i) });
  expect(readNvml(missing)).toMatchObject({ kind: 'absent', detail: expect.stringMatching(/no such file/i) });
});
