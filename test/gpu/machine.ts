import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { DeviceSurvey } from '../../runner/devices.ts';

const MAIN = join(import.meta.dirname, '../../runner/cli/main.ts');
/** A driver that hangs must not keep the program from saying so. */
const MOST_MILLISECONDS = 30_000;

/** What `dualparal devices` says in a process of its own; a text where it says nothing. */
function survey(environment: NodeJS.ProcessEnv): DeviceSurvey | string {
  const env = { ...environment, DUALPARAL_STANDIN_GPUS: '', DUALPARAL_DEVICE: 'cuda' };
  const asked = spawnSync(process.execPath, [MAIN, 'devices', '--json'], {
    ...{ env, encoding: 'utf8', timeout: MOST_MILLISECONDS, killSignal: 'SIGKILL' },
  });
  try {
    return JSON.parse(asked.stdout) as DeviceSurvey;
  } catch {
    return `\`dualparal devices\` ended with ${asked.status ?? asked.signal}: ${asked.stderr}`;
  }
}

/** Of a machine without a driver, or without a GPU that may be seen. A driver that fails may do so only while it is asked. */
const NO_GPU: readonly string[] = ['E_DEVICE_DRIVER', 'E_DEVICE_DRIVER_OLD', 'E_DEVICE_NONE'];

/** Why there is no GPU to compute on, whatever libraries there are; undefined where there may be one. */
export function noGpu(environment: NodeJS.ProcessEnv): string | undefined {
  const found = survey(environment);
  if (typeof found === 'string') return found;
  const { problem } = found;
  return problem !== null && NO_GPU.includes(problem.code) ? `${problem.code}: ${problem.message}` : undefined;
}

const FIELDS =
  'name,uuid,driver_version,memory.total,compute_cap,clocks.sm,clocks.max.sm,power.limit,pcie.link.gen.current';

/** What the figures were measured with. The driver's own tool tells of clocks and power, where it is there. */
export function machineOf(environment: NodeJS.ProcessEnv): Readonly<Record<string, unknown>> {
  const tool = spawnSync('nvidia-smi', [`--query-gpu=${FIELDS}`, '--format=csv,noheader'], {
    ...{ env: environment, encoding: 'utf8', timeout: MOST_MILLISECONDS, killSignal: 'SIGKILL' },
  });
  return {
    devices: survey(environment),
    [FIELDS]: tool.status === 0 ? tool.stdout.trim().split('\n') : 'not told: no nvidia-smi',
    node: process.version,
    library: environment.DUALPARAL_ORT_LIBRARY ?? 'npm',
    loaderPath: environment.LD_LIBRARY_PATH ?? '',
    visibleDevices: environment.CUDA_VISIBLE_DEVICES ?? 'all',
  };
}
