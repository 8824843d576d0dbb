import type { JobSpec } from '#contract/job-spec.ts';
import type { Plan } from '../plan/plan.ts';
import { summaryOf } from '../plan-job.ts';
import { prepare } from '../prepare.ts';
import { describeStride } from './describe-stride.ts';
import { type LocalOptions, localJob } from './local-job.ts';
import { printJson, printLines, printNotes } from './print.ts';
import { layersOf } from './screen.ts';

/** Options of `dualparal plan`. */
export interface PlanOptions extends LocalOptions {
  readonly json?: boolean;
  /** Say what other strides would cost and give. */
  readonly verbose?: boolean;
}

/** Says what `generate` would run, before anything loads; fails with the same errors. */
export async function planCommand(options: PlanOptions): Promise<void> {
  const { spec, notes } = localJob(options);
  const { plan, warnings } = await prepare(spec, {}, process.env);
  if (options.json === true) {
    printJson({ name: spec.name, frames: plan.frames, ...summaryOf(plan), plan, notes, warnings }, 2);
    return;
  }
  printNotes(notes.map((note) => `note: ${note}`));
  printLines(describePlan(spec, plan, warnings, options.verbose === true));
}

function describePlan(spec: JobSpec, plan: Plan, warnings: readonly string[], verbose: boolean): readonly string[] {
  const { sampling } = plan;
  return [
    `${spec.name}: ${plan.frames} frames of ${spec.size.width}×${spec.size.height} (${(plan.frames / spec.fps).toFixed(1)} s at ${spec.fps}/s)`,
    `  ${plan.latents} latents in ${plan.blocks} blocks of ${plan.blockLatents}, context ${plan.contextLatents}, surplus ${plan.surplusLatents}`,
    `  ${sampling.scheduler}, ${sampling.steps} steps, shift ${sampling.flowShift}, guidance ${sampling.guidanceScales.join(' / ')}`,
    `  ${plan.iterations} iterations, ${plan.blockSteps} block-steps of ${plan.branches} branch${plan.branches === 1 ? '' : 'es'}`,
    ...describeStride(plan, verbose),
    ...plan.stages.map(
      (stage, index) =>
        `  stage ${index} on ${stage.device}: ${layersOf(stage)}, ` +
        `weights ${megabytes(stage.weightBytes)}, memory ${megabytes(stage.memoryBytes)}`,
    ),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
