import type { CodedError } from '#contract/error.ts';
import { cpuDevices, type Device } from './device.ts';
import type { AskedDevice } from './device-choice.ts';
import {
  CUDA_ITSELF_BYTES,
  gpuObstacle,
  heldObstacle,
  machineObstacle,
  type Obstacle,
  obstacleError,
} from './device-fitness.ts';
import { maySeeGpus } from './given-gpus.ts';
import { type Gpu, type GpuFindings, gpuName, memoryUnknown } from './gpu.ts';
import { capabilityOf, rankGpus } from './rank-gpus.ts';

/** What a film asks of this machine. */
export interface Wish {
  readonly stages: number;
  readonly asked: AskedDevice;
  /** What says that this process was given GPUs, if anything does. */
  readonly given: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** Compute capability that the film's number format needs, such as 8.0; any where absent. */
  readonly leastCapability?: number | undefined;
}

/** Devices of a film; `gpus` lists what stands behind them, in the same order, and is empty on the processor. */
export interface ChosenDevices {
  readonly devices: readonly Device[];
  readonly gpus: readonly Gpu[];
  /** Why GPUs must be used, for errors; undefined where nobody wants them in particular. */
  readonly reason: string | undefined;
  readonly warnings: readonly string[];
  /** What a film of another number of stages would get here; undefined where there are not so many. */
  readonly forStages: (stages: number) => readonly Device[] | undefined;
}

/**
 * Chooses a device for each stage, of several GPUs the fittest ({@link rankGpus}). Who asked for CUDA, or was given GPUs, gets
 * GPUs or the coded error that says why not; all others get GPUs where usable ones are, else the processor, with a warning where a
 * GPU is left aside, or may be meant to be there.
 * Throws `E_DEVICE_DRIVER…`, `E_DEVICE_NONE`, `E_DEVICE_PROVIDER`, `E_DEVICE_CAPABILITY`, `E_DEVICE_MIG`, `E_DEVICE_HELD`, `E_DEVICE_COUNT`.
 */
export function pickDevices(wish: Wish, found: GpuFindings): ChosenDevices {
  const { stages, asked, given, environment } = wish;
  if (asked.choice === 'cpu') return onProcessor(stages, []);
  const reason = reasonOf(asked, given);
  const machine = machineObstacle(found, environment);
  if (machine !== undefined) return withoutGpus(wish, reason, machine);
  const judged = found.gpus.map((gpu) => ({ gpu, obstacle: gpuObstacle(gpu) }));
  const usable = judged.filter(({ obstacle }) => obstacle === undefined).map(({ gpu }) => gpu);
  if (usable.length === 0) return withoutGpus(wish, reason, judged[0]!.obstacle!);
  if (usable.length < stages) throw tooFew(stages, judged, reason);
  const ranked = rankGpus(usable, wish.leastCapability);
  // Stages in the order of the numbers: neighbours on the bus hand hidden states on.
  const best = (count: number) => ranked.slice(0, count).toSorted((a, b) => a.index - b.index);
  const gpus = best(stages);
  const forStages = (count: number) => (count > ranked.length ? undefined : best(count).map(deviceOf));
  return { devices: gpus.map(deviceOf), gpus, reason, warnings: warningsOf(gpus, found), forStages };
}

/** The error of stages that would fit their GPU if nobody else held its memory, `E_DEVICE_HELD`; undefined where there is none. `needs`: bytes of each stage. */
export function heldMemoryProblem(
  { devices, gpus, reason }: Pick<ChosenDevices, 'devices' | 'gpus' | 'reason'>,
  needs: readonly number[],
): CodedError | undefined {
  for (const [stage, gpu] of gpus.entries()) {
    const need = needs[stage] ?? 0;
    if (need > devices[stage]!.memoryLimitBytes!) {
      return obstacleError(heldObstacle(gpu, need + CUDA_ITSELF_BYTES), reason);
    }
  }
  return undefined;
}

/** What is to be known of the GPUs that were chosen. */
function warningsOf(gpus: readonly Gpu[], { nvml }: GpuFindings): readonly string[] {
  const unknown = gpus.filter(({ freeBytes }) => freeBytes === null);
  const why = memoryUnknown(unknown, nvml);
  const names = unknown.map(gpuName).join(', ');
  const memory = `the free memory of ${names} is not known (${why}): all of it is taken as free`;
  const kinds = new Set(gpus.map((gpu) => capabilityOf(gpu).toFixed(1)));
  const mixed = `GPUs of several kinds (compute capability ${[...kinds].join(', ')}): the film's last bits depend on which layers each computes`;
  return [...(why === undefined ? [] : [memory]), ...(kinds.size > 1 ? [mixed] : [])];
}

function reasonOf({ choice, field }: AskedDevice, given: string | undefined): string | undefined {
  const instead = 'and no film is made on the processor unless --device cpu or DUALPARAL_DEVICE=cpu says so';
  if (choice === 'cuda') return `${field} asks for CUDA`;
  return given === undefined ? undefined : `this process was given GPUs by ${given}, ${instead}`;
}

function withoutGpus({ stages, environment }: Wish, reason: string | undefined, obstacle: Obstacle): ChosenDevices {
  if (reason !== undefined) throw obstacleError(obstacle, reason);
  // No driver, or no GPU behind it, is what most machines are like: worth a word only where GPUs may be meant to be there.
  const mayBe = maySeeGpus(environment);
  const isUsual = obstacle.code === 'E_DEVICE_DRIVER' || obstacle.code === 'E_DEVICE_NONE';
  const warning = `the film is computed on the processor: ${obstacleError(obstacle, mayBe).message}`;
  return onProcessor(stages, isUsual && mayBe === undefined ? [] : [warning]);
}

function onProcessor(stages: number, warnings: readonly string[]): ChosenDevices {
  return { devices: cpuDevices(stages), gpus: [], reason: undefined, warnings, forStages: cpuDevices };
}

interface Judged {
  readonly gpu: Gpu;
  readonly obstacle: Obstacle | undefined;
}

function tooFew(stages: number, judged: readonly Judged[], reason: string | undefined): CodedError {
  const refused = judged.filter(({ obstacle }) => obstacle !== undefined);
  const details = refused.map(({ obstacle }) => obstacleError(obstacle!).message);
  if (judged.some(({ gpu }) => gpu.mig === 'slice')) details.push('a process can use one slice (MIG) of a GPU at most');
  const values = {
    stages,
    usable: judged.length - refused.length,
    visible: judged.length,
    details: details.length === 0 ? '' : ` (${details.join('; ')})`,
  };
  return obstacleError({ code: 'E_DEVICE_COUNT', values }, reason ?? '--device cpu makes it on the processor');
}

function deviceOf(gpu: Gpu): Device {
  const { index, name, totalBytes, freeBytes, mig } = gpu;
  return {
    kind: 'cuda',
    index,
    name: gpuName(gpu),
    ...(mig === 'slice' ? {} : { card: name }),
    memoryLimitBytes: Math.max(0, (freeBytes ?? totalBytes) - CUDA_ITSELF_BYTES),
    memoryBytes: Math.max(0, totalBytes - CUDA_ITSELF_BYTES),
    capability: capabilityOf(gpu),
  };
}
