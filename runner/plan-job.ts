import { availableParallelism } from 'node:os';
import type { JobSpec } from '#contract/job-spec.ts';
import type { PlanSummary } from '#contract/progress.ts';
import { chooseDevices, heldMemoryProblem, machineWith } from './devices.ts';
import { hasRoom, memoryProblem, withMissing } from './memory-check.ts';
import { type MemoryPlan, planMemory } from './memory-plan.ts';
import { FLOAT_NAMES, type FloatName, storedFloatType } from './model/float-types.ts';
import type { Device } from './ort/device.ts';
import type { GpuFindings } from './ort/gpu.ts';
import type { PipelineModel } from './pipeline/stage-task.ts';
import type { CutOptions } from './plan/cut-by-time.ts';
import { transformerBytes } from './plan/memory.ts';
import { type Plan, planRun } from './plan/plan.ts';
import { leastCapability, precisionWarnings, resolvePrecision } from './plan/precision.ts';
import { triedAllTheSame, withWayRound } from './plan/verdict.ts';
import { isSwitchedOn } from './switches.ts';
import { type Model, openModel } from './weights/open-model.ts';

/** Everything that is known before anything loads. */
export interface PlannedJob {
  readonly model: Model;
  readonly devices: readonly Device[];
  readonly plan: Plan;
  readonly memory: MemoryPlan;
  /** What is to be known about the choice of devices, their memory, and how they compute. */
  readonly deviceWarnings: readonly string[];
}

/** `device`: the value of `--device`. `found`: GPUs that were looked for (`lookForGpus`), none unless said. `ignoreMemory`: too little memory is a warning; else the environment says. */
export interface PlanExtras {
  readonly device?: string | undefined;
  readonly found?: GpuFindings | undefined;
  readonly ignoreMemory?: boolean | undefined;
}

/**
 * Checks the model folder, chooses devices, of several GPUs those that compute in the film's format, and plans the run and its memory.
 * Throws `E_MODEL_…`, `E_WEIGHTS_…`, `E_DEVICE_…` and `E_PLAN_…` errors, and `E_ENVIRONMENT_SWITCH`.
 */
export function planJob(
  spec: JobSpec,
  environment: NodeJS.ProcessEnv,
  { device, found, ignoreMemory: asked }: PlanExtras = {},
): PlannedJob {
  // A word that says neither yes nor no is refused whatever else is said.
  const isIgnored = isSwitchedOn(environment, 'DUALPARAL_IGNORE_MEMORY');
  const ignoreMemory = asked ?? isIgnored;
  const model = openModel(spec.model.folder);
  const least = leastCapability(spec, storedFormat(model));
  const wish = { flag: device, leastCapability: least };
  const chosen = chooseDevices(spec.parallelism.gpus, environment, wish, machineWith(found));
  const { devices, warnings: deviceWarnings } = chosen;
  const { kind } = devices[0]!;
  // A decoder in parts is faster; where it does not fit, one piece may.
  const planned = (options: CutOptions) => {
    const plan = planModel(spec, model, devices, options);
    const memory = planMemory(spec, plan, model, kind);
    const fits = hasRoom({ spec, plan, memory, devices }) && heldMemoryProblem(chosen, memory.stageBytes) === undefined;
    return { plan, memory, fits };
  };
  const cut = planned({});
  const whole = cut.fits || cut.plan.decoderParts.length === 1 ? undefined : planned({ isUndivided: true });
  const { plan, memory } = whole?.fits === true ? whole : cut;
  // The resource has no field that lets a film be tried, and a pod no other way.
  const inPod = Boolean(environment.KUBERNETES_SERVICE_HOST);
  const problem = memoryProblem({
    spec,
    plan,
    memory,
    model,
    devices,
    // Who writes a resource may ask for more GPUs than this pod was given; a machine has those that it has.
    devicesFor: (count) => chosen.forStages(count) ?? (inPod ? withMissing(devices, count) : undefined),
    replan: (other, others, options) => planModel(other, model, others, options),
  });
  const refused = problem === undefined || inPod || ignoreMemory ? problem : withWayRound(problem);
  const held = heldMemoryProblem(chosen, memory.stageBytes);
  const memoryWarnings = triedAllTheSame([refused, held], ignoreMemory);
  const formatWarnings = precisionWarnings(plan.precision, devices.slice(0, plan.stages.length));
  return { model, devices, plan, memory, deviceWarnings: [...deviceWarnings, ...memoryWarnings, ...formatWarnings] };
}

/** The plan of a spec for a model whose folder has been checked. Throws `E_PLAN_…` errors. */
export function planModel(
  spec: JobSpec,
  model: PipelineModel,
  devices: readonly Device[],
  options: CutOptions = {},
): Plan {
  const { layers } = model.config.transformer;
  const bytes = expertsOf(model).map(({ tensors }) =>
    transformerBytes(
      [...tensors].map(([name, { byteLength }]) => [name, byteLength] as const),
      layers,
    ),
  );
  const precision = resolvePrecision(spec, storedFormat(model), devices.slice(0, spec.parallelism.gpus));
  return planRun(spec, model.config, bytes, devices, precision, { cores: availableParallelism(), ...options });
}

/** The format of most of a model's transformer. */
function storedFormat(model: PipelineModel): FloatName {
  return FLOAT_NAMES[storedFloatType(expertsOf(model).flatMap(({ tensors }) => [...tensors.values()]))];
}

function expertsOf({ transformer, transformer2 }: PipelineModel) {
  return [transformer, transformer2].filter((weights) => weights !== null);
}

/** The plan as it is reported: to the operator, in `--json` and on screen. */
export function summaryOf(
  { latents, blocks, stride, iterations, blockSteps, stages }: Plan,
  { stageBytes }: Pick<MemoryPlan, 'stageBytes'>,
): PlanSummary {
  return {
    latents,
    blocks,
    stride,
    iterations,
    blockSteps,
    stages: stages.map(({ device, firstLayer, endLayer, weightBytes }, stage) => ({
      device,
      firstLayer,
      endLayer,
      weightBytes,
      memoryBytes: stageBytes[stage]!,
    })),
  };
}
