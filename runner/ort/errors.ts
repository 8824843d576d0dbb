import { atPlace, type CodedError, defineErrors, type ErrorRecord, fromErrorRecord } from '#contract/error.ts';

/** What can go wrong between this program and the inference runtime. */
export const deviceError = defineErrors({
  E_DEVICE_LIBRARY: {
    message: 'the inference library {file} cannot be loaded on {platform}: {detail}; {remedy}',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_CHOICE: {
    message: '{field} must be auto, cpu or cuda, found {found}',
    fixer: 'user',
    exit: 'usage',
  },
  E_DEVICE_DRIVER: {
    message:
      'no NVIDIA driver is in reach: {library}: {detail}{reason}; install the driver and the container toolkit on the node',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_DRIVER_FAILED: {
    message: 'the NVIDIA driver failed while it was asked for its GPUs, in {detail}{reason}; repair it on the node',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_DRIVER_HUNG: {
    message:
      'the NVIDIA driver was asked for its GPUs, has not answered for {seconds} s and was given up{reason}; repair it on the node (DUALPARAL_PATIENCE_SECONDS allows more)',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_DRIVER_OLD: {
    message:
      'the NVIDIA driver{version} is too old: it offers CUDA {found}, CUDA {wanted} is needed{reason}; install driver 580 or newer on the node',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_NONE: {
    message: 'the NVIDIA driver shows no GPU to this process{hidden}{reason}',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_PROVIDER: {
    message:
      "this installation cannot compute on CUDA: {missing} cannot be loaded{reason}; use the runner's CUDA image, or put the files that it has in place",
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_CAPABILITY: {
    message: '{device} has compute capability {found}, at least {wanted} is needed{reason}; choose another GPU',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_MIG: {
    message:
      '{device} is cut into slices (MIG), and the driver does not say which one is meant{reason}; name one by its MIG uuid',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_HELD: {
    message:
      '{device} has {free} of {total} free, {need} is needed{holders}{reason}; end what holds its memory, or choose another GPU',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_COUNT: {
    message:
      '{stages} stages need a GPU each, {usable} of {visible} can be used{details}{reason}; give more GPUs or fewer stages (in a manifest parallelism.gpus)',
    fixer: 'user',
    exit: 'plan',
  },
  E_DEVICE_MEMORY: {
    message:
      'out of memory on {device} while {operation}: {detail}; use more devices or a smaller picture, or decoding.tiling if it was the video decoder',
    fixer: 'user',
    exit: 'device',
  },
  E_DEVICE_HUNG: {
    message:
      '{device} has not answered for {seconds} s while {operation} and was given up; try again, on another device if it repeats (DUALPARAL_PATIENCE_SECONDS allows more)',
    fixer: 'administrator',
    exit: 'device',
  },
  E_DEVICE_LOST: {
    message:
      '{device} stopped working while {operation}: {detail}; look for it in the kernel log of its node (Xid), and try again on another device',
    fixer: 'administrator',
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

/** A device's failure with what it was computing for said first; what other rooms have words for names that itself. */
export function deviceFailureAt(place: string, record: ErrorRecord): CodedError {
  return record.code.startsWith('E_DEVICE_') ? atPlace(place, record) : fromErrorRecord(record);
}
