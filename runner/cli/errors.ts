import { defineErrors } from '#contract/error.ts';

/** Errors of the command line itself. */
export const cliError = defineErrors({
  E_CLI_FILE: {
    message: 'cannot read {file}: {reason}; give -f an existing manifest, for example -f examples/lighthouse.yaml',
    fixer: 'user',
    exit: 'usage',
  },
  E_CLI_STAGES: {
    message: '--stages must be a whole number from 1 to 64, found {found}',
    fixer: 'user',
    exit: 'usage',
  },
  E_CLI_JOB: {
    message: 'the job file {file} is not a job spec: {reason}',
    fixer: 'developer',
    exit: 'spec',
  },
  E_CLI_MODEL: {
    message: "no model folder for ref '{ref}': looked at {places}; give --model DIR, or put the model there",
    fixer: 'user',
    exit: 'model',
  },
  /** The cluster's way of asking: another pod may make the film. */
  E_STOPPED: {
    message: 'told to stop by {signal} after {frames} of {total} frames',
    fixer: 'administrator',
    exit: 'resume',
  },
  E_INTERRUPTED: {
    message: 'stopped by {signal} after {frames} of {total} frames',
    fixer: 'user',
    exit: 'interrupted',
  },
});
