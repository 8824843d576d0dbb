import type { CodedError, ErrorValues } from '#contract/error.ts';
import { DRIVER_LIBRARY } from './driver.ts';
import { deviceError } from './errors.ts';
import { type Gpu, type GpuFindings, type GpuProcess, gpuName } from './gpu.ts';

/** What keeps a film from a GPU: a row of the error table, short of why it matters. */
export interface Obstacle {
  readonly code: Parameters<typeof deviceError>[0];
  readonly values: ErrorValues;
}

/** Version of CUDA that the runtime's provider is built for, as the driver counts. */
const LEAST_CUDA = 13_000;
/** CUDA 13 has no kernels for anything older. */
const LEAST_CAPABILITY = { major: 7, minor: 5 };
/** What CUDA itself takes of a device in each process, measured (docs/gpu.md). */
export const CUDA_ITSELF_BYTES = 675 * 2 ** 20;
const HOLDERS_SHOWN = 4;

/** What keeps this machine from every GPU, whichever it is; undefined where nothing does. */
export function machineObstacle(
  { driver, nvml, provider, gpus }: GpuFindings,
  environment: NodeJS.ProcessEnv,
): Obstacle | undefined {
  if (driver.kind === 'absent') {
    return { code: 'E_DEVICE_DRIVER', values: { library: DRIVER_LIBRARY, detail: driver.detail } };
  }
  if (driver.kind === 'failed') return { code: 'E_DEVICE_DRIVER_FAILED', values: { detail: driver.detail } };
  if (driver.kind === 'hung') return { code: 'E_DEVICE_DRIVER_HUNG', values: { seconds: driver.seconds } };
  if (driver.cudaVersion < LEAST_CUDA) {
    const version = nvml.kind === 'read' && nvml.driverVersion !== null ? ` ${nvml.driverVersion}` : '';
    const values = { version, found: cudaText(driver.cudaVersion), wanted: cudaText(LEAST_CUDA) };
    return { code: 'E_DEVICE_DRIVER_OLD', values };
  }
  if (gpus.length === 0) {
    const { CUDA_VISIBLE_DEVICES: filter } = environment;
    const hidden = filter === undefined ? '' : ` (CUDA_VISIBLE_DEVICES='${filter}' is all that it may see)`;
    return { code: 'E_DEVICE_NONE', values: { hidden } };
  }
  if (provider.missing.length > 0)
    return { code: 'E_DEVICE_PROVIDER', values: { missing: provider.missing.join(', ') } };
  return undefined;
}

/** What keeps a film from one GPU of a machine that is otherwise fit; undefined where nothing does. */
export function gpuObstacle(gpu: Gpu): Obstacle | undefined {
  const { major, minor, mig, freeBytes } = gpu;
  const device = gpuName(gpu);
  const { major: leastMajor, minor: leastMinor } = LEAST_CAPABILITY;
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    const values = { device, found: `${major}.${minor}`, wanted: `${leastMajor}.${leastMinor}` };
    return { code: 'E_DEVICE_CAPABILITY', values };
  }
  if (mig === 'cut') return { code: 'E_DEVICE_MIG', values: { device } };
  if (freeBytes !== null && freeBytes <= CUDA_ITSELF_BYTES) return heldObstacle(gpu, CUDA_ITSELF_BYTES);
  return undefined;
}

/** A GPU of whose memory others hold too much; `needBytes` is all that is needed, CUDA itself included. */
export function heldObstacle(gpu: Gpu, needBytes: number): Obstacle {
  const { freeBytes, totalBytes, processes } = gpu;
  const values = {
    device: gpuName(gpu),
    free: gibibytes(freeBytes ?? totalBytes),
    total: gibibytes(totalBytes),
    need: gibibytes(needBytes),
    holders: holdersText(processes ?? []),
  };
  return { code: 'E_DEVICE_HELD', values };
}

/** The error of an obstacle. `reason`: who wants the GPU, so that no processor will do; undefined where one will. */
export function obstacleError({ code, values }: Obstacle, reason?: string): CodedError {
  return deviceError(code, { ...values, reason: reason === undefined ? '' : `; ${reason}` });
}

/** 13000 → 13.0 */
export function cudaText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

/** Bytes as all device messages write them. */
export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

/** In a container the numbers are those of the node, or none are told. */
function holdersText(processes: readonly GpuProcess[]): string {
  if (processes.length === 0) return '';
  const shown = processes.slice(0, HOLDERS_SHOWN).map(({ pid, bytes }) => {
    return bytes === null ? `process ${pid}` : `process ${pid} (${gibibytes(bytes)})`;
  });
  const more = processes.length - shown.length;
  return `, held by ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
