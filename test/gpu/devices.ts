import type { Compute } from '../../runner/model/ops.ts';
import { cpuDevices, type Device } from '../../runner/ort/device.ts';
import { gpuObstacle } from '../../runner/ort/device-fitness.ts';
import { readDriver } from '../../runner/ort/driver.ts';
import { type GpuFindings, joinGpus } from '../../runner/ort/gpu.ts';
import { readNvml } from '../../runner/ort/nvml.ts';
import { pickDevices } from '../../runner/ort/pick-devices.ts';
import type { FloatType } from '../../runner/tensor.ts';

/** One device at least. */
export type Devices = readonly [Device, ...Device[]];

/** This process is under a time limit, and computes on them: it may ask by itself. That the provider loads was tried before it began. */
function findHere(): GpuFindings {
  const [driver, nvml] = [readDriver(), readNvml()];
  return { driver, nvml, provider: { missing: [] }, gpus: joinGpus(driver, nvml) };
}

/**
 * All devices of a kind that the runner would use here, as it would: what a GPU can compute in and how much of it may be taken is part
 * of them. Of the processor one. Throws `E_DEVICE_…` where there is none.
 */
export function allDevices(kind: Device['kind'], found: () => GpuFindings = findHere): Devices {
  if (kind === 'cpu') return cpuDevices(1) as Devices;
  const findings = found();
  const asked = { choice: 'cuda', field: '--device' } as const;
  const usable = findings.gpus.filter((gpu) => gpuObstacle(gpu) === undefined).length;
  const wish = { stages: Math.max(1, usable), asked, given: undefined, environment: process.env };
  return pickDevices(wish, findings).devices as Devices;
}

/** How graphs for a device compute, as the runner's do there. */
export function computeOn({ kind, capability }: Device, dtype: FloatType): Compute {
  return { attention: kind, dtype, ...(capability === undefined ? {} : { capability }) };
}

/** Where the stages of a pipeline are laid. */
export interface Layout {
  readonly name: 'one device' | 'several devices';
  readonly devices: readonly Device[];
}

/** The stages on one device, and on as many as there are, one after another; only the former where that is the same. The processor is one device under several names. */
export function layoutsOf(all: Devices, stages: number): readonly Layout[] {
  const [first] = all;
  if (first.kind === 'cpu') return [{ name: 'one device', devices: cpuDevices(stages) }];
  const one: Layout = { name: 'one device', devices: new Array<Device>(stages).fill(first) };
  const spread = Array.from({ length: stages }, (_, stage) => all[stage % all.length]!);
  return new Set(spread).size === 1 ? [one] : [one, { name: 'several devices', devices: spread }];
}
