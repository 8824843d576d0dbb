import { defineErrors } from '#contract/error.ts';

/** What can be wrong with a model's files. Every message names the file, what was found and what was wanted. */
export const weightsError = defineErrors({
  E_MODEL_FOLDER: { message: 'model folder {folder}: {problem}', fixer: 'user', exit: 'model' },
  E_MODEL_LAYOUT: { message: '{place}: {found}; {wayOut}', fixer: 'user', exit: 'model' },
  E_MODEL_FILE: { message: '{file}: {problem}', fixer: 'user', exit: 'model' },
  E_MODEL_MISSING: { message: '{file}: the file is missing', fixer: 'user', exit: 'model', notYet: true },
  E_MODEL_UNREACHABLE: {
    message:
      '{file}: {reason}: its disk or volume did not answer; start it again, and if it stays so see to that volume',
    fixer: 'administrator',
    exit: 'storage',
  },
  E_MODEL_LINK: {
    message:
      '{file}: {problem}; copy links as files (cp -rL; a hub cache is nothing without its blobs), or download the model again',
    fixer: 'user',
    exit: 'model',
  },
  E_MODEL_POINTER: {
    message: '{file}: is {what}, not the file itself; run git lfs pull in the model folder, or download the file again',
    fixer: 'user',
    exit: 'model',
  },
  E_MODEL_PAGE: {
    message:
      '{file}: holds {what}, not the file itself; download it again, logged in and with its licence accepted where it asks for that',
    fixer: 'user',
    exit: 'model',
  },
  E_MODEL_FORMAT: {
    message:
      '{file}: is {what}, which is not supported; take the safetensors files of the model in the Diffusers layout',
    fixer: 'user',
    exit: 'model',
  },
  E_MODEL_INCOMPLETE: {
    message: '{file}: {problem}; the download did not end, start it again',
    fixer: 'user',
    exit: 'model',
    notYet: true,
  },
  E_MODEL_CHECKSUM: {
    message: '{file}: its sha256 is {found}, wanted {wanted}; copy or download the file again',
    fixer: 'user',
    exit: 'model',
  },
  E_MODEL_CHECKSUMS: { message: '{file}: {problem}', fixer: 'user', exit: 'model' },
  E_WEIGHTS_TRUNCATED: {
    // As a file is that is being copied at this moment.
    message: '{file}: truncated: has {have} bytes, needs {need}; copy or download the file again',
    fixer: 'user',
    exit: 'model',
    notYet: true,
  },
  E_WEIGHTS_NAMED: {
    message: '{file}: the file is missing; the folder holds {found}; {wayOut}',
    fixer: 'user',
    exit: 'model',
  },
  E_WEIGHTS_QUANTIZED: {
    message: '{file}: {what} is not supported yet; take the bf16 or fp16 files of the model',
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
