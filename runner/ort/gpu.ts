/** GPUs as plain data: what the driver and NVML say, and what both together make of one device. */

/** A GPU as the CUDA driver sees it. Its number is the one that a session is opened by. */
export interface DriverDevice {
  readonly index: number;
  /** 32 hexadecimal digits in groups, without a prefix. A slice of a GPU (MIG) has its own. */
  readonly uuid: string;
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  readonly totalBytes: number;
  /** Numbers of the devices whose memory it reaches without the host. */
  readonly peers: readonly number[];
}

/** What the driver library said; `cudaVersion` is 1000 × major + 10 × minor. */
export type DriverReading =
  | { readonly kind: 'absent'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'hung'; readonly seconds: number }
  | { readonly kind: 'read'; readonly cudaVersion: number; readonly devices: readonly DriverDevice[] };

/** A process that holds memory of a GPU; the bytes are null where the driver does not tell. */
export interface GpuProcess {
  readonly pid: number;
  readonly bytes: number | null;
}

/** A GPU, or a slice of one, as NVML sees it. NVML counts in its own order and hides nothing, so no number is kept. */
export interface NvmlDevice {
  /** With its prefix: `GPU-…` or, for a slice, `MIG-…`. */
  readonly uuid: string;
  /** Null where NVML does not tell, as all that follows. */
  readonly name: string | null;
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
  readonly processes: readonly GpuProcess[] | null;
  /** `cut`: a whole GPU that is divided into slices, `slice`: one of them. */
  readonly mig: 'no' | 'cut' | 'slice';
}

/** What the management library said. */
export type NvmlReading =
  | { readonly kind: 'absent'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string }
  | {
      readonly kind: 'read';
      readonly driverVersion: string | null;
      readonly devices: readonly NvmlDevice[];
      /** What it failed at for one GPU or another: by that one's memory is not known, or all of it. */
      readonly problems: readonly string[];
    };

/** Whether the runtime can compute on CUDA at all: files and libraries that it lacks, and those that do not load, with the reason. */
export interface ProviderReading {
  readonly missing: readonly string[];
}

/** One device of the driver, with what NVML knows of it. */
export interface Gpu extends DriverDevice {
  /** Free bytes, at the time of looking; null where NVML does not know the device, or does not tell. */
  readonly freeBytes: number | null;
  readonly processes: readonly GpuProcess[] | null;
  /** `unknown` where NVML does not know the device. */
  readonly mig: NvmlDevice['mig'] | 'unknown';
}

/** All that was found out about this machine's GPUs. */
export interface GpuFindings {
  readonly driver: DriverReading;
  readonly nvml: NvmlReading;
  readonly provider: ProviderReading;
  readonly gpus: readonly Gpu[];
}

/**
 * Joins what the driver and NVML say, by uuid: `CUDA_VISIBLE_DEVICES` and the order of the bus make their numbers differ.
 * A device that NVML does not know keeps what the driver says.
 */
export function joinGpus(driver: DriverReading, nvml: NvmlReading): readonly Gpu[] {
  if (driver.kind !== 'read') return [];
  const known = new Map(nvml.kind === 'read' ? nvml.devices.map((device) => [bareUuid(device.uuid), device]) : []);
  return driver.devices.map((device) => {
    const match = known.get(bareUuid(device.uuid));
    if (match === undefined) {
      return { ...device, uuid: `GPU-${bareUuid(device.uuid)}`, freeBytes: null, processes: null, mig: 'unknown' };
    }
    const { uuid, processes, mig, name } = match;
    // NVML counts what the driver keeps for itself as part of the whole.
    const totalBytes = Math.min(device.totalBytes, match.totalBytes ?? device.totalBytes);
    const freeBytes = match.freeBytes === null ? null : Math.min(match.freeBytes, totalBytes);
    return { ...device, uuid, name: name ?? device.name, totalBytes, freeBytes, processes, mig };
  });
}

/** Why the free memory of some of these GPUs is not known; undefined where it is, of all of them. */
export function memoryUnknown(gpus: readonly Gpu[], nvml: NvmlReading): string | undefined {
  if (gpus.every(({ freeBytes }) => freeBytes !== null)) return undefined;
  if (nvml.kind !== 'read') return nvml.detail;
  return nvml.problems.length === 0 ? 'NVML does not know all GPUs of the driver' : nvml.problems.join('; ');
}

function bareUuid(uuid: string): string {
  return uuid.replace(/^(GPU|MIG)-/i, '').toLowerCase();
}

/** A device as people see it: its number in this process and its name. */
export function gpuName({ index, name }: Pick<Gpu, 'index' | 'name'>): string {
  return `cuda:${index} (${name})`;
}
