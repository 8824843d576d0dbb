import type { Gpu, GpuFindings } from '../../runner/ort/gpu.ts';

const GIB = 2 ** 30;

/** An H100 that nobody else uses; `changes` go over it. */
export function gpuOf(index: number, changes: Partial<Gpu> = {}): Gpu {
  return {
    index,
    uuid: `GPU-00000000-0000-0000-0000-00000000000${index}`,
    name: 'NVIDIA H100 80GB HBM3',
    major: 9,
    minor: 0,
    totalBytes: 80 * GIB,
    freeBytes: 79 * GIB,
    processes: [],
    peers: [],
    mig: 'no',
    ...changes,
  };
}

/** What a healthy machine says of these GPUs; `changes` go over it. */
export function findingsOf(gpus: readonly Gpu[], changes: Partial<GpuFindings> = {}): GpuFindings {
  return {
    driver: { kind: 'read', cudaVersion: 13_000, devices: gpus },
    nvml: { kind: 'read', driverVersion: '580.65.06', devices: [], problems: [] },
    provider: { missing: [] },
    gpus,
    ...changes,
  };
}
