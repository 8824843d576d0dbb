import { expect, test } from 'vitest';
import { joinGpus } from '../../runner/ort/gpu.ts';
import { deviceMegabytes, more, usedMegabytes } from './measure.ts';

const MEBIBYTE = 2 ** 20;
const of = (uuid: string, megabytes: number, free: number) => ({
  ...{ uuid, name: 'card', totalBytes: megabytes * MEBIBYTE, freeBytes: free * MEBIBYTE },
  ...{ processes: null, mig: 'no' as const },
});
const seen = (index: number, uuid: string) => ({
  ...{ index, uuid, name: 'card', major: 9, minor: 0, totalBytes: 1000 * MEBIBYTE, peers: [] },
});
/** The process sees the second card of two, as its first. */
const driver = { kind: 'read', cudaVersion: 13_000, devices: [seen(0, 'bb')] } as const;
const devices = [of('GPU-aa', 1000, 100), of('GPU-bb', 1000, 700)];

test('memory is that of the device with the same uuid, whatever its number is elsewhere', () => {
  expect(usedMegabytes(joinGpus(driver, { kind: 'read', driverVersion: '580', devices, problems: [] }), 0)).toBe(300);
});

test.each([
  {
    what: 'a device that NVML does not know',
    nvml: { kind: 'read', driverVersion: '580', devices: devices.slice(0, 1), problems: [] },
  },
  { what: 'a machine without NVML', nvml: { kind: 'absent', detail: 'no such file' } },
] as const)('the memory of $what is not told, which is not none', ({ nvml }) => {
  expect(usedMegabytes(joinGpus(driver, nvml), 0)).toBeNull();
  expect(usedMegabytes([], 0)).toBeNull();
  expect(more(null, 300)).toBeNull();
  expect(more(300, null)).toBeNull();
  expect(more(300, 500)).toBe(200);
});

test('the processor has no memory of its own to tell of', () => {
  expect(deviceMegabytes({ kind: 'cpu', index: 0, name: 'cpu:0' })).toBeNull();
});
