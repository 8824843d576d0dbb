import { expect, test } from 'vitest';
import { gpuOf } from '../../test/build/gpu.ts';
import {
  type DriverDevice,
  type DriverReading,
  joinGpus,
  memoryUnknown,
  type NvmlDevice,
  type NvmlReading,
} from './gpu.ts';

const GIB = 2 ** 30;
const A = '8d1c0a3e-0000-4000-8000-00000000000a';
const B = '8d1c0a3e-0000-4000-8000-00000000000b';

function seen(...devices: readonly (Partial<DriverDevice> & { uuid: string })[]): DriverReading {
  const base = { name: 'driver name', major: 9, minor: 0, totalBytes: 79 * GIB, peers: [] };
  return {
    kind: 'read',
    cudaVersion: 13_000,
    devices: devices.map((device, index) => ({ index, ...base, ...device })),
  };
}

function known(...devices: readonly (Partial<NvmlDevice> & { uuid: string })[]): NvmlReading {
  const base = { name: 'NVML name', totalBytes: 80 * GIB, freeBytes: 70 * GIB, processes: [], mig: 'no' } as const;
  const known = devices.map((device) => ({ ...base, ...device }));
  return { kind: 'read', driverVersion: '580.65.06', devices: known, problems: [] };
}

test.each([
  {
    what: 'NVML counts in another order',
    driver: seen({ uuid: A }, { uuid: B }),
    nvml: known({ uuid: `GPU-${B}`, freeBytes: 2 * GIB }, { uuid: `GPU-${A}`, freeBytes: GIB }),
    want: [
      { index: 0, uuid: `GPU-${A}`, freeBytes: GIB, name: 'NVML name' },
      { index: 1, uuid: `GPU-${B}`, freeBytes: 2 * GIB },
    ],
  },
  {
    what: 'CUDA_VISIBLE_DEVICES hides the first GPU from the driver alone',
    driver: seen({ uuid: B }),
    nvml: known({ uuid: `GPU-${A}`, freeBytes: GIB }, { uuid: `GPU-${B}`, freeBytes: 2 * GIB }),
    want: [{ index: 0, uuid: `GPU-${B}`, freeBytes: 2 * GIB }],
  },
  {
    what: 'uuids are written in capitals',
    driver: seen({ uuid: A }),
    nvml: known({ uuid: `GPU-${A.toUpperCase()}` }),
    want: [{ freeBytes: 70 * GIB }],
  },
  {
    what: 'NVML counts memory that the driver keeps for itself',
    driver: seen({ uuid: A }),
    nvml: known({ uuid: `GPU-${A}`, freeBytes: 80 * GIB }),
    want: [{ totalBytes: 79 * GIB, freeBytes: 79 * GIB }],
  },
  {
    what: 'NVML does not know the uuid',
    driver: seen({ uuid: A }),
    nvml: known({ uuid: `GPU-${B}` }),
    want: [{ uuid: `GPU-${A}`, name: 'driver name', freeBytes: null, processes: null, mig: 'unknown' }],
  },
  {
    what: 'NVML knows its uuid alone',
    driver: seen({ uuid: A }, { uuid: B }),
    nvml: known({ uuid: `GPU-${A}`, name: null, totalBytes: null, freeBytes: null }, { uuid: `GPU-${B}` }),
    want: [
      { name: 'driver name', totalBytes: 79 * GIB, freeBytes: null, mig: 'no' },
      { name: 'NVML name', freeBytes: 70 * GIB },
    ],
  },
  {
    what: 'NVML is not there',
    driver: seen({ uuid: A }),
    nvml: { kind: 'absent', detail: '' } as const,
    want: [{ freeBytes: null, mig: 'unknown' }],
  },
  {
    what: 'the driver names a slice of a GPU',
    driver: seen({ uuid: B, totalBytes: 9 * GIB }),
    nvml: known(
      { uuid: `GPU-${A}`, mig: 'cut' },
      { uuid: `MIG-${B}`, mig: 'slice', name: 'NVIDIA H100 MIG 1g.10gb', totalBytes: 10 * GIB, freeBytes: 9 * GIB },
    ),
    want: [{ uuid: `MIG-${B}`, mig: 'slice', name: 'NVIDIA H100 MIG 1g.10gb', freeBytes: 9 * GIB }],
  },
  {
    what: 'the driver names a GPU that is cut into slices',
    driver: seen({ uuid: A }),
    nvml: known({ uuid: `GPU-${A}`, mig: 'cut' }),
    want: [{ mig: 'cut' }],
  },
  { what: 'there is no driver', driver: { kind: 'absent', detail: '' } as const, nvml: known({ uuid: A }), want: [] },
])('a GPU keeps its own memory and name where $what', ({ driver, nvml, want }) => {
  const gpus = joinGpus(driver, nvml);
  expect(gpus).toHaveLength(want.length);
  expect(gpus).toMatchObject(want);
});

test.each<{ what: string; gpus: readonly (number | null)[]; nvml: NvmlReading; says: string | undefined }>([
  { what: 'it is known of all', gpus: [1, 2], nvml: known(), says: undefined },
  { what: 'there is no NVML', gpus: [null], nvml: { kind: 'absent', detail: 'no such file' }, says: 'no such file' },
  { what: 'NVML fails', gpus: [null], nvml: { kind: 'failed', detail: 'error 9' }, says: 'error 9' },
  { what: 'there is no GPU', gpus: [], nvml: { kind: 'absent', detail: 'no such file' }, says: undefined },
  {
    what: 'NVML fails for one',
    gpus: [1, null],
    nvml: { kind: 'read', driverVersion: null, devices: [], problems: ['GPU 1 of NVML: error 15', 'and more'] },
    says: 'GPU 1 of NVML: error 15; and more',
  },
  { what: 'NVML does not list one', gpus: [null], nvml: known(), says: 'NVML does not know all GPUs of the driver' },
])('why free memory is not known: $what', ({ gpus, nvml, says }) => {
  const shown = gpus.map((freeBytes, index) => gpuOf(index, { freeBytes }));
  expect(memoryUnknown(shown, nvml)).toBe(says);
});
