import type { JobSpec } from '#contract/job-spec.ts';
import type { PlanSummary } from '#contract/progress.ts';
import { chooseDevices } from './devices.ts';
import type { Device } from './ort/device.ts';
import type { PipelineModel } from './pipeline/stage-task.ts';
import { transformerBytes } from './plan/memory.ts';
import { type Plan, planRun } from './plan/plan.ts';
import { type Model, openModel } from './weights/open-model.ts';

/** Everything that is known before anything loads. */
export interface PlannedJob {
  readonly model: Model;
  readonly devices: readonly Device[];
  readonly plan: Plan;
}

/** Checks the model folder and plans the run. Throws `E_MODEL_…`, `E_WEIGHTS_…` and `E_PLAN_…` errors. */
export function planJob(spec: JobSpec, environment: NodeJS.ProcessEnv): PlannedJob {
  const model = openModel(spec.model.folder);
  const devices = chooseDevices(spec.parallelism.gpus, environment);
  return { model, devices, plan: planModel(spec, model, devices) };
}

/** The plan of a spec for a model whose folder has been checked. Throws `E_PLAN_…` errors. */
export function planModel(spec: JobSpec, model: PipelineModel, devices: readonly Device[]): Plan {
  const { layers } = model.config.transformer;
  const experts = [model.transformer, model.transformer2].filter((weights) => weights !== null);
  const bytes = experts.map(({ tensors }) =>
    transformerBytes(
      [...tensors].map(([name, { byteLength }]) => [name, byteLength] as const),
      layers,
    ),
  );
  const places = devices.map(({ name }) => ({ name, memoryBytes: null }));
  return planRun(spec, model.config, bytes, places);
}

/** The plan as it is reported: to the operator, in `--json` and on screen. */
export function summaryOf({ latents, blocks, stride, iterations, blockSteps, stages }: Plan): PlanSummary {
  return {
    latents,
    blocks,
    stride,
    iterations,
    blockSteps,
    stages: stages.map(({ device, firstLayer, endLayer, weightBytes, memoryBytes }) => ({
      device,
      firstLayer,
      endLayer,
      weightBytes,
      memoryBytes,
    })),
  };
}
