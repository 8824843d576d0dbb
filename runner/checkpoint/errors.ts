import { defineErrors } from '#contract/error.ts';

/** Errors of checkpoints. What merely keeps one from being written or used never reaches here: it is a warning of the run. */
export const checkpointError = defineErrors({
  E_CHECKPOINT_OTHER: {
    message:
      '{path} is the checkpoint of another film: {differences}; begin anew (--fresh), or give another output folder (-o)',
    fixer: 'user',
    exit: 'output',
  },
  E_CHECKPOINT_DAMAGED: {
    message: 'the checkpoint {path} cannot be used: {reason}; remove it, or begin anew (--fresh)',
    fixer: 'user',
    exit: 'output',
  },
  E_CHECKPOINT_NONE: {
    message: 'there is no checkpoint in {path}; give the output folder of a film that was interrupted',
    fixer: 'user',
    exit: 'output',
  },
});
