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
  E_STORE_LINK: {
    message: '{path} is {kind} where a folder of ours should be; remove it, or give another output folder',
    fixer: 'user',
    exit: 'output',
  },
  E_STORE_FILE: {
    message: 'cannot write the file {path}: {reason}; give the path of a file that can be written',
    fixer: 'user',
    exit: 'output',
  },
  E_STORE_BUSY: {
    message: '{owner} is making a film in {path}; give another output folder, or wait for its end{ways}',
    fixer: 'user',
    exit: 'output',
  },
  E_STORE_LOST: {
    message:
      'this run no longer holds {path}: its claim is gone (somebody removed it, or another run took over after {seconds} s without a sign of life); start it again, with another output folder if another run is there',
    fixer: 'administrator',
    exit: 'output',
  },
  E_STORE_STRANGE: {
    message: '{path} should say which run is using this folder, and cannot be read{reason}; if no run is, remove it',
    fixer: 'user',
    exit: 'output',
  },
  E_STORE_FAILED: {
    message: 'cannot {verb} {path}: {reason}; see whether its disk or volume is healthy',
    fixer: 'administrator',
    exit: 'output',
  },
  E_STORE_UNREACHABLE: {
    message:
      'cannot {verb} {path}: {reason}: its disk or volume did not answer; start it again, and if it stays so see to that volume',
    fixer: 'administrator',
    exit: 'storage',
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
