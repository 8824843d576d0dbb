import { atPlace, type CodedError, defineErrors, type ErrorRecord, fromErrorRecord } from '#contract/error.ts';

/** What can go wrong in the stages and between them. */
export const pipelineError = defineErrors({
  E_PIPELINE_STAGE: {
    message: '{stage} failed: {detail}',
    fixer: 'developer',
    exit: 'device',
  },
  E_PIPELINE_STAGE_DIED: {
    message:
      '{stage} ended after {items} of {total} items, with exit code {code} and without a reason; try again, with more memory if it repeats',
    fixer: 'administrator',
    exit: 'device',
  },
  E_PIPELINE_STAGE_HUNG: {
    message:
      '{stage} has been at item {item} of {total} for {seconds} s, far longer than at any before, and was given up; try again, on another device if it repeats (DUALPARAL_PATIENCE_SECONDS allows more)',
    fixer: 'administrator',
    exit: 'device',
  },
  E_PIPELINE_LOAD_HUNG: {
    message:
      '{stage} has been loading for {seconds} s and was given up: its device or the disk of the model does not answer; try again, on another device if it repeats (DUALPARAL_PATIENCE_SECONDS allows more)',
    fixer: 'administrator',
    exit: 'device',
  },
  E_PIPELINE_NOT_FINITE: {
    message:
      '{where} made numbers that are not finite (NaN or infinity) at block {block}, step {step}: a weight there is damaged, or with sampling.precision float16 too large for it (bfloat16 and float32 have the room); fetch the model again (dualparal inspect MODEL --verify compares it with its checksums)',
    fixer: 'user',
    exit: 'model',
  },
  E_PIPELINE_STOPPED: {
    message: 'the pipeline was stopped before the last block was finished',
    fixer: 'user',
    exit: 'resume',
  },
  E_PIPELINE_PROMPT: {
    message: 'the {branch} prompt has embeddings of shape [{found}], this plan needs [{wanted}]',
    fixer: 'developer',
    exit: 'internal',
  },
});

/** The error of a stage as the whole run's: its own code and fix, with the stage named first. */
export function stageFailure(stage: string, record: ErrorRecord): CodedError {
  // An error of this room names its place itself: the last stage finds what an earlier one has done.
  if (record.code.startsWith('E_PIPELINE')) return fromErrorRecord(record);
  if (record.code === 'E_INTERNAL') return pipelineError('E_PIPELINE_STAGE', { stage, detail: record.message });
  return atPlace(stage, record);
}
