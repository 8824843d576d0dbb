import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type ErrorRecord, toErrorRecord } from '#contract/error.ts';
import type { Device } from './ort/device.ts';
import { deviceChoice } from './ort/device-choice.ts';
import { gpuObstacle, machineObstacle, type Obstacle, obstacleError } from './ort/device-fitness.ts';
import { findGpus, NO_GPUS } from './ort/find-gpus.ts';
import { givenGpus } from './ort/given-gpus.ts';
import { type Gpu, type GpuFindings, memoryUnknown } from './ort/gpu.ts';
import { openLibrary } from './ort/library.ts';
import { type ChosenDevices, pickDevices } from './ort/pick-devices.ts';
import { patienceOf } from './thread/patience.ts';

export { heldMemoryProblem } from './ort/pick-devices.ts';

/** This machine as it was found; tests put words into its mouth. */
export interface Machine {
  readonly found: GpuFindings;
  /** Names under `/dev`. */
  deviceFiles(): readonly string[];
  /** Throws `E_DEVICE_LIBRARY` where the runtime itself cannot be loaded: no device computes without it. */
  checkRuntime(): void;
}

const LOOKED_AT: Omit<Machine, 'found'> = { deviceFiles, checkRuntime: () => void openLibrary() };

/** This machine with the GPUs that were found, none unless said. */
export function machineWith(found: GpuFindings = NO_GPUS): Machine {
  return { ...LOOKED_AT, found };
}

/**
 * Looks for GPUs, unless a film by `flag` (`--device`) and environment has no use for them, nor for a driver that may fail or hang. Throws
 * the signal's reason on an abort, nothing else: a choice that is none is told by {@link chooseDevices}.
 */
export async function lookForGpus(
  environment: NodeJS.ProcessEnv,
  flag: string | undefined,
  signal?: AbortSignal,
): Promise<GpuFindings> {
  return usesGpus(environment, flag) ? look(environment, signal) : NO_GPUS;
}

function usesGpus(environment: NodeJS.ProcessEnv, flag: string | undefined): boolean {
  try {
    return standInsOf(environment).length === 0 && deviceChoice(flag, environment).choice !== 'cpu';
  } catch {
    return false;
  }
}

function look(environment: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<GpuFindings> {
  return findGpus({ environment, milliseconds: patienceOf(environment).lookMilliseconds, signal });
}

/** `flag`: the value of `--device`. `leastCapability`: what the film's number format needs of a GPU. */
export interface DeviceWish {
  readonly flag?: string | undefined;
  readonly leastCapability?: number;
}

/**
 * Devices of this run, by `flag` (`--device`), else `DUALPARAL_DEVICE`, else what is there ({@link pickDevices}). A stand-in
 * device plugin (test bed) hands out names by `DUALPARAL_STANDIN_GPUS`, which go before everything: they compute on the processor
 * under the names that the kubelet allotted. The processor gives as many virtual devices as stages ask for.
 * Throws `E_DEVICE_…` errors.
 */
export function chooseDevices(
  stages: number,
  environment: NodeJS.ProcessEnv,
  { flag, leastCapability }: DeviceWish,
  machine: Machine,
): ChosenDevices {
  const asked = deviceChoice(flag, environment);
  machine.checkRuntime();
  const standIns = standInsOf(environment);
  if (standIns.length > 0) {
    const forStages = (count: number) => (count > standIns.length ? undefined : standIns);
    return { devices: standIns, gpus: [], reason: undefined, warnings: [], forStages };
  }
  const given = givenGpus(environment, machine.deviceFiles());
  return pickDevices({ stages, asked, given, environment, leastCapability }, machine.found);
}

/** A row of the error table, filled in. */
type Problem = Pick<ErrorRecord, 'code' | 'message'>;

/** A GPU and why no film can use it; the problem is null where one can. */
export interface JudgedGpu extends Gpu {
  readonly problem: Problem | null;
}

/** What `dualparal devices` tells. */
export interface DeviceSurvey {
  readonly standIns: readonly string[];
  readonly driver: { readonly cudaVersion: number | null; readonly version: string | null };
  /** What keeps this machine from every GPU; null where nothing does. */
  readonly problem: Problem | null;
  /** Why the free memory of a GPU is not known; null where it is, of all. */
  readonly memoryProblem: string | null;
  readonly gpus: readonly JudgedGpu[];
  /** What says that this process was given GPUs. */
  readonly given: string | null;
  readonly cores: number;
  /** Where a film of one stage would be computed, or the error that it would end with. */
  readonly chosen: string | null;
  readonly error: Problem | null;
}

/** Everything about this machine's devices, whoever has a use for them; never throws. */
export async function surveyDevices(environment: NodeJS.ProcessEnv, machine?: Machine): Promise<DeviceSurvey> {
  return surveyOf(environment, machine ?? machineWith(await look(environment)));
}

function surveyOf(environment: NodeJS.ProcessEnv, machine: Machine): DeviceSurvey {
  const { found } = machine;
  const { driver, nvml } = found;
  const obstacle = machineObstacle(found, environment);
  return {
    standIns: standInsOf(environment).map(({ name }) => name),
    driver: {
      cudaVersion: driver.kind === 'read' ? driver.cudaVersion : null,
      version: nvml.kind === 'read' ? nvml.driverVersion : null,
    },
    problem: problemOf(obstacle),
    memoryProblem: memoryUnknown(found.gpus, nvml) ?? null,
    gpus: found.gpus.map((gpu) => ({ ...gpu, problem: problemOf(obstacle ?? gpuObstacle(gpu)) })),
    given: givenGpus(environment, machine.deviceFiles()) ?? null,
    cores: availableParallelism(),
    ...choiceOf(environment, machine),
  };
}

function problemOf(obstacle: Obstacle | undefined): Problem | null {
  return obstacle === undefined ? null : problemIn(obstacleError(obstacle));
}

function problemIn(error: unknown): Problem {
  const { code, message } = toErrorRecord(error);
  return { code, message };
}

function choiceOf(environment: NodeJS.ProcessEnv, machine: Machine): Pick<DeviceSurvey, 'chosen' | 'error'> {
  try {
    return { chosen: chooseDevices(1, environment, {}, machine).devices[0]!.name, error: null };
  } catch (error) {
    return { chosen: null, error: problemIn(error) };
  }
}

function standInsOf(environment: NodeJS.ProcessEnv): readonly Device[] {
  const names = (environment.DUALPARAL_STANDIN_GPUS ?? '').split(',').map((name) => name.trim());
  // A name is one device, however often it is said.
  return [...new Set(names)].filter((name) => name !== '').map((name, index) => ({ kind: 'cpu', index, name }));
}

function deviceFiles(): readonly string[] {
  try {
    return readdirSync('/dev');
  } catch {
    return [];
  }
}
