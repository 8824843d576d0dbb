import { defineErrors } from '#contract/error.ts';

/** What can be wrong with a model's files. Every message names the file, what was found and what was wanted. */
export const weightsError = defineErrors({
  E_MODEL_FOLDER: { message: 'model folder {folder}: {problem}', fixer: 'user', exit: 'model' },
  E_MODEL_FILE: { message: '{file}: {problem}', fixer: 'user', exit: 'model' },
  E_MODEL_CHECKSUM: {
    message: '{file}: its sha256 is {found}, wanted {wanted}; copy or download the file again',
    fixer: 'user',
    exit: 'model',
  },
  E_MODEL_CHECKSUMS: { message: '{file}: {problem}', fixer: 'user', exit: 'model' },
  E_WEIGHTS_TRUNCATED: {
    message: '{file}: truncated: has {have} bytes, needs {need}; copy or download the file again',
    fixer: 'user',
    exit: 'model',
  },
  E_WEIGHTS_HEADER: { message: '{file}: damaged safetensors header: {problem}', fixer: 'user', exit: 'model' },
  E_WEIGHTS_INDEX: { message: '{file}: damaged weights index: {problem}', fixer: 'user', exit: 'model' },
  E_WEIGHTS_MISSING: {
    message: '{folder}: {count} tensors are missing, first: {tensors}',
    fixer: 'user',
    exit: 'model',
  },
  E_WEIGHTS_SURPLUS: {
    message: '{folder}: {count} tensors do not belong to the model of config.json, first: {tensors}',
    fixer: 'user',
    exit: 'model',
  },
  E_WEIGHTS_SHAPE: {
    message: '{folder}: tensor {tensor}: found {found}, wanted {wanted} by config.json',
    fixer: 'user',
    exit: 'model',
  },
});
