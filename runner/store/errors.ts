import { defineErrors } from '#contract/error.ts';

/** Errors of reading and writing stored files. */
export const storeError = defineErrors({
  E_STORE_READ_ONLY: {
    message: 'cannot write {path}: {reason}; mount the output writable for this user, or give another output folder',
    fixer: 'administrator',
    exit: 'output',
  },
  E_STORE_FULL: {
    message: 'cannot write {path}: no space is left ({reason}); free some, or give an output folder with more room',
    fixer: 'administrator',
    exit: 'output',
  },
  E_STORE_NOT_FOLDER: {
    message: 'cannot use {path} as an output folder: {reason}; give a folder',
    fixer: 'user',
    exit: 'output',
  },
  E_STORE_FAILED: {
    message: 'cannot {verb} {path}: {reason}; see whether its disk or volume is healthy',
    fixer: 'administrator',
    exit: 'output',
  },
  E_STORE_MISSING: { message: 'there is no {path}', fixer: 'user', exit: 'output' },
  E_STORE_NAME: {
    message: "'{name}' is not a name inside a store: it must be relative and without '.', '..' or empty parts",
    fixer: 'developer',
    exit: 'internal',
  },
  E_STORE_SCHEME: {
    message: "cannot write to {uri}: stores of scheme '{scheme}' are not supported; give a folder or a file:// URI",
    fixer: 'user',
    exit: 'spec',
  },
});
