import { readProvider } from './cuda-provider.ts';
import { readDriver } from './driver.ts';
import { type GpuFindings, joinGpus } from './gpu.ts';
import { readNvml } from './nvml.ts';

/** Looks at this machine's GPUs; takes nothing of them and never throws. Without a driver nothing else is looked for. */
export function findGpus(): GpuFindings {
  const driver = readDriver();
  if (driver.kind === 'absent') {
    return { driver, nvml: { kind: 'absent', detail: 'not looked for' }, provider: { missing: [] }, gpus: [] };
  }
  const nvml = readNvml();
  const gpus = joinGpus(driver, nvml);
  return { driver, nvml, provider: gpus.length === 0 ? { missing: [] } : readProvider(), gpus };
}
