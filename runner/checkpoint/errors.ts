import { CodedError, defineErrors } from '#contract/error.ts';

/** Errors of checkpoints. What merely keeps one from being written or used never ends a run: it is said with its code as a warning. */
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
  E_CHECKPOINT_UNWRITTEN: {
    message: 'no checkpoint after iteration {iteration}: {reason}',
    fixer: 'administrator',
    exit: 'output',
  },
  E_CHECKPOINT_GIVEN_UP: {
    message: 'no more checkpoints are made, since what they need could not be kept: {reason}',
    fixer: 'administrator',
    exit: 'output',
  },
  E_CHECKPOINT_PASSED_OVER: {
    message: 'the checkpoint {path} is passed over: {reason}',
    fixer: 'administrator',
    exit: 'output',
  },
});

/** A block that is made anew is not the one that was kept: one of them is wrong. */
export function notTheSame(path: string, block: number): CodedError {
  const reason = `block ${block} is not the same when it is made anew`;
  return checkpointError('E_CHECKPOINT_PASSED_OVER', { path, reason });
}

/** Whether a checkpoint was found to be damaged, for which the one before it is gone on with. */
export function isPassedOver(error: unknown): error is CodedError {
  return error instanceof CodedError && error.code === 'E_CHECKPOINT_PASSED_OVER';
}

/** An error that does not end the run after all, for whoever watches. */
export function warningOf({ code, message }: CodedError): string {
  return `${code}: ${message}`;
}

/** What does not end a run, with its code, for whoever watches. */
export function checkpointWarning(...[code, values]: Parameters<typeof checkpointError>): string {
  return warningOf(checkpointError(code, values));
}
