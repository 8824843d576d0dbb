import type { CodedError } from '#contract/error.ts';
import { allFinite, allFiniteBytes } from '../tensor.ts';
import { pipelineError } from './errors.ts';
import { ringSlots } from './layout.ts';
import { type StageTask, stageName } from './stage-task.ts';

/**
 * The error of a block-step that left numbers which are not finite, naming who made them: the earliest stage that has such
 * hidden states in the ring behind it. What is wrong with a stage is wrong with all its items, so it does not matter that the
 * stages before may be a few items ahead. Steps and blocks count from 0.
 */
export function notFinite(task: StageTask, block: number, step: number): CodedError {
  return pipelineError('E_PIPELINE_NOT_FINITE', { where: whereFrom(task), block, step });
}

function whereFrom({ plan, shared, dtype }: StageTask): string {
  if (!allFinite(new Float32Array(shared.modulation))) return 'the timestep embedder (condition_embedder)';
  if (!allFiniteBytes(new Uint8Array(shared.prompts), dtype)) return "the prompt's embedder (condition_embedder)";
  const last = plan.stages.length - 1;
  const first = plan.stages.findIndex(
    (_, stage) => stage < last && ringSlots(shared, plan, stage).some((slot) => !allFiniteBytes(slot, dtype)),
  );
  return stageName(plan, first < 0 ? last : first);
}
