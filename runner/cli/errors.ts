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
  E_CLI_STAGES_FIT: {
    message: '--stages {found}, in place of spec.parallelism.gpus, does not fit this film: {problems}',
    fixer: 'user',
    exit: 'usage',
  },
  E_CLI_EMPTY: {
    message: '{option} is empty: give a value, or leave it out',
    fixer: 'user',
    exit: 'usage',
  },
  E_CLI_SCHEME: {
    message:
      "{option} '{found}' names a place by {scheme}://, which is not supported yet: give a folder of this machine",
    fixer: 'user',
    exit: 'usage',
  },
  E_CLI_URL: {
    message: "{option} '{found}' is not a folder of this machine: write file:///folder, or the plain path",
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
  E_CLI_OUTPUT: {
    message: 'standard output cannot be written: {reason}; nothing but the output is lost',
    fixer: 'user',
    exit: 'output',
  },
  /** The cluster's way of asking: another pod may make the film. */
  E_STOPPED: {
    message: 'told to stop by {signal} {when}',
    fixer: 'administrator',
    exit: 'resume',
  },
  E_INTERRUPTED: {
    message: 'stopped by {signal} {when}',
    fixer: 'user',
    exit: 'interrupted',
  },
  /** A second signal: nobody waits for a clean stop any more. */
  E_STOPPED_AT_ONCE: {
    message: 'ended at once by a second signal ({signal}) {when}',
    fixer: 'administrator',
    exit: 'ended',
  },
  E_INTERRUPTED_AT_ONCE: {
    message: 'ended at once by a second signal ({signal}) {when}',
    fixer: 'user',
    exit: 'interrupted',
  },
  E_CRASHED: {
    message: 'the runtime crashed ({signal}) {when}: a defect in it or its driver, please report it; try again',
    fixer: 'developer',
    exit: 'device',
  },
  E_FILE_LOST: {
    message:
      'a file could not be read any more ({signal}) {when}: most likely a weight file was cut short while it was in use, or its disk failed; check the model with dualparal inspect --verify',
    fixer: 'administrator',
    exit: 'device',
  },
  E_OUT_OF_MEMORY: {
    message:
      'the system ran out of memory {when}, so the kernel ended the run: give it more (in a cluster spec.runner.resources.limits.memory), or make the film smaller',
    fixer: 'administrator',
    exit: 'device',
  },
  E_KILLED: {
    message:
      'the process that made the film was killed ({signal}) {when}: by a person, or most likely because memory ran out; try again, with more memory if it repeats',
    fixer: 'administrator',
    exit: 'device',
  },
  E_ENDED: {
    message: 'the process that made the film ended with exit code {code} {when}, without a result (please report it)',
    fixer: 'developer',
    exit: 'internal',
  },
  E_NOT_STARTED: {
    message: 'the process that makes the film cannot be started: {reason}; free memory or processes, then try again',
    fixer: 'administrator',
    exit: 'device',
  },
});
