import { checkpointField, type JobSpec } from '#contract/job-spec.ts';
import type { MemoryPlan } from '../memory-plan.ts';
import { checkpointSize } from '../plan/checkpoint-size.ts';
import type { Plan } from '../plan/plan.ts';
import { summaryOf } from '../plan-job.ts';
import { prepare } from '../prepare.ts';
import { describeBalance, describeBusy } from './describe-balance.ts';
import { describeMemory, megabytes } from './describe-memory.ts';
import { describeStrides, stridesOf } from './describe-stride.ts';
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
  const { plan, memory, warnings } = await prepare(
    spec,
    {
      ...(options.device === undefined ? {} : { device: options.device }),
      ...(options.ignoreMemory === true ? { ignoreMemory: true } : {}),
    },
    process.env,
  );
  if (options.json === true) {
    const strides = stridesOf(plan, options.verbose === true);
    printJson(
      {
        ...{ name: spec.name, frames: plan.frames, ...summaryOf(plan, memory), plan, memory },
        ...{ checkpoints: checkpointSize(plan), strides, notes, warnings },
      },
      2,
    );
    return;
  }
  printNotes(notes.map((note) => `note: ${note}`));
  printLines(describePlan(spec, plan, memory, warnings, options.verbose === true));
}

function describePlan(
  spec: JobSpec,
  plan: Plan,
  memory: MemoryPlan,
  warnings: readonly string[],
  verbose: boolean,
): readonly string[] {
  const { sampling } = plan;
  return [
    `${spec.name}: ${plan.frames} frames of ${spec.size.width}×${spec.size.height} (${(plan.frames / spec.fps).toFixed(1)} s at ${spec.fps}/s)`,
    `  ${plan.latents} latents in ${plan.blocks} blocks of ${plan.blockLatents}, context ${plan.contextLatents}, surplus ${plan.surplusLatents}`,
    `  ${sampling.scheduler}, ${sampling.steps} steps, shift ${sampling.flowShift}, guidance ${sampling.guidanceScales.join(' / ')}${intervalOf(plan)}`,
    `  computed in ${plan.precision.sampling}, decoded in ${plan.precision.decoding}`,
    `  ${plan.iterations} iterations, ${plan.blockSteps} block-steps in ${plan.items} passes through the model`,
    ...describeVariants(plan),
    ...describeStrides(plan, verbose),
    ...plan.stages.map(
      (stage, index) =>
        `  stage ${index} on ${stage.device}: ${layersOf(stage)}, busy ${describeBusy(plan.balance, index)}, ` +
        `weights ${megabytes(stage.weightBytes)}, memory ${megabytes(memory.stageBytes[index]!)}`,
    ),
    ...describeBalance(plan),
    ...describeMemory(memory),
    describeCheckpoints(spec, plan),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ];
}

function intervalOf({ sampling: { guidanceInterval } }: Plan): string {
  return guidanceInterval === null
    ? ''
    : `, between noise levels ${guidanceInterval.low} and ${guidanceInterval.high} only`;
}

/** What differs from the paper besides the stride. */
function describeVariants({ leftContext, stages }: Plan): readonly string[] {
  return [
    ...(leftContext === 'reuse' ? ['  left context: used again from the same step, not recomputed'] : []),
    ...(stages[0]!.branch === null ? [] : ['  guidance in parallel: each branch has half of the stages']),
  ];
}

/** What being able to go on takes. */
function describeCheckpoints({ checkpoint }: JobSpec, plan: Plan): string {
  const { state, disk, memory } = checkpointSize(plan);
  if (state === 0) return '  checkpoints: none, an interrupted film begins anew';
  const { every } = checkpointField.parse(checkpoint ?? {});
  const size = `up to ${megabytes(state)} each, ${megabytes(disk)} of disk in all`;
  return `  checkpoints every ${every}: ${size}, ${megabytes(memory)} of memory (among the blocks)`;
}
