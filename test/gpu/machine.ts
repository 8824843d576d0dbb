import { join } from 'node:path';
import type { DeviceSurvey } from '../../runner/devices.ts';
import { patienceOf } from '../../runner/thread/patience.ts';
import { runProcess } from './run-process.ts';

const MAIN = join(import.meta.dirname, '../../runner/cli/main.ts');
/** Beside what it waits for: a process that starts on a slow disk. */
const STARTING_SECONDS = 60;
const TOOL_SECONDS = 30;

/** What `dualparal devices` may take: it has patience with the driver, and again with the provider's trial, and then says so itself. */
export function surveySeconds(environment: NodeJS.ProcessEnv): number {
  return STARTING_SECONDS + (2 * patienceOf(environment).lookMilliseconds) / 1000;
}

/** The survey among all that its process printed; undefined where it is not there as a whole. */
export function surveyIn(output: string): DeviceSurvey | undefined {
  const [text] = /^\{$[\s\S]*^\}$/m.exec(output) ?? [];
  try {
    return text === undefined ? undefined : (JSON.parse(text) as DeviceSurvey);
  } catch {
    return undefined;
  }
}

/** What `dualparal devices` says in a process of its own; a text where it says nothing. */
async function survey(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<DeviceSurvey | string> {
  const { end, output } = await runProcess({
    command: [process.execPath, MAIN, 'devices', '--json'],
    environment: { ...environment, DUALPARAL_STANDIN_GPUS: '', DUALPARAL_DEVICE: 'cuda' },
    seconds: surveySeconds(environment),
    signal,
  });
  return surveyIn(output) ?? `\`dualparal devices\` ended with ${end}: ${output}`;
}

/** Of a machine without a driver that answers, or without a GPU that may be seen. A driver that fails may do so only while it is asked. */
const NO_GPU: readonly string[] = ['E_DEVICE_DRIVER', 'E_DEVICE_DRIVER_HUNG', 'E_DEVICE_DRIVER_OLD', 'E_DEVICE_NONE'];

/** Why there is no GPU to compute on, whatever libraries there are; undefined where there may be one. */
export async function noGpu(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string | undefined> {
  const found = await survey(environment, signal);
  if (typeof found === 'string') return found;
  const { problem } = found;
  return problem !== null && NO_GPU.includes(problem.code) ? `${problem.code}: ${problem.message}` : undefined;
}

const FIELDS =
  'name,uuid,driver_version,memory.total,compute_cap,clocks.sm,clocks.max.sm,power.limit,pcie.link.gen.current';

/** What the figures were measured with. The driver's own tool tells of clocks and power, where it is there. */
export async function machineOf(
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const command = ['nvidia-smi', `--query-gpu=${FIELDS}`, '--format=csv,noheader'];
  const tool = await runProcess({ command, environment, seconds: TOOL_SECONDS, signal });
  return {
    devices: await survey(environment, signal),
    [FIELDS]: tool.end === '0' ? tool.output.trim().split('\n') : 'not told: no nvidia-smi',
    node: process.version,
    library: environment.DUALPARAL_ORT_LIBRARY || 'npm',
    loaderPath: environment.LD_LIBRARY_PATH ?? '',
    visibleDevices: environment.CUDA_VISIBLE_DEVICES ?? 'all',
  };
}
