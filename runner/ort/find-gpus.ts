import { readProvider } from './cuda-provider.ts';
import { type DriverReading, type GpuFindings, joinGpus, type NvmlReading } from './gpu.ts';
import { runOwn, valuesIn } from './own-process.ts';

/** How this machine is looked at. */
export interface Look {
  readonly environment: NodeJS.ProcessEnv;
  /** For the driver's libraries, and again for the runtime's. */
  readonly milliseconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Of a machine without a driver, where nothing else is looked for. */
export const NO_GPUS: GpuFindings = {
  driver: { kind: 'absent', detail: 'not looked for' },
  nvml: { kind: 'absent', detail: 'not looked for' },
  provider: { missing: [] },
  gpus: [],
};

/**
 * Looks at this machine's GPUs, in processes of their own; takes nothing of them. Without a driver nothing else is looked for.
 * Throws the signal's reason on an abort, nothing else.
 */
export async function findGpus(look: Look): Promise<GpuFindings> {
  const { driver, nvml } = await askDriver(look);
  if (driver.kind === 'absent') return { ...NO_GPUS, driver };
  const gpus = joinGpus(driver, nvml);
  return { driver, nvml, provider: gpus.length === 0 ? { missing: [] } : await readProvider(look), gpus };
}

async function askDriver(look: Look): Promise<Pick<GpuFindings, 'driver' | 'nvml'>> {
  const { told, status, signal, isLate } = await runOwn('look-at-gpus.ts', look);
  const [driver, nvml] = valuesIn(told) as readonly [DriverReading?, NvmlReading?];
  const seconds = Math.round(look.milliseconds / 1000);
  const end = `a process that asked ended by ${signal ?? `exit code ${status}`}`;
  const detail = isLate ? `no answer within ${seconds} s` : end;
  return {
    driver: driver ?? (isLate ? { kind: 'hung', seconds } : { kind: 'failed', detail: `a library of it: ${end}` }),
    nvml: nvml ?? { kind: 'failed', detail },
  };
}
