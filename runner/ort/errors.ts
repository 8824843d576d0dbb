import { defineErrors } from '#contract/error.ts';

/** What can go wrong between this program and the inference runtime. */
export const deviceError = defineErrors({
  E_DEVICE_LIBRARY: {
    message:
      'the inference library {file} cannot be loaded on {platform}: {detail}; install dependencies with "npm ci"',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_MEMORY: {
    message: 'out of memory on {device} while {operation}: {detail}; use more devices or a smaller picture',
    fixer: 'user',
    exit: 'device',
  },
  E_DEVICE_STOPPED: { message: 'the work on {device} was cancelled', fixer: 'user', exit: 'device' },
  E_DEVICE_RELEASED: {
    message: '{what} was used after it had been released (please report it)',
    fixer: 'developer',
    exit: 'internal',
  },
  E_DEVICE_RUNTIME: {
    message: 'the inference runtime failed on {device} while {operation}: {detail}',
    fixer: 'developer',
    exit: 'device',
  },
});
