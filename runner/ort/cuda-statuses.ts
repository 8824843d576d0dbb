/** What a failure of CUDA or of one of its libraries says about the device; undefined where it says nothing about it. */
export type DeviceVerdict = 'lost' | 'memory' | undefined;

/** Libraries as the runtime's provider writes them: "CUBLAS failure 13: …". */
type Library = 'CUDA' | 'CUBLAS' | 'CUDNN' | 'CURAND' | 'CUFFT';

/** A status by its number and all names it goes by: the runtime's, and the driver's where it has one of its own. */
type Row = readonly [verdict: 'lost' | 'memory', library: Library, number: number, ...names: readonly string[]];

/**
 * The statuses that tell. Lost is a device that is gone or broken, or on which this process can compute no more: after these, CUDA answers
 * everything with the same error, and only another process may go on (`driver_types.h` of CUDA 13). Failures of a library that may or may not come
 * of such a device (`CUBLAS_STATUS_EXECUTION_FAILED`, `CUDNN_STATUS_INTERNAL_ERROR`, …) are no row: the device itself is asked.
 */
const ROWS: readonly Row[] = [
  ['lost', 'CUDA', 46, 'cudaErrorDevicesUnavailable', 'CUDA_ERROR_DEVICE_UNAVAILABLE'],
  ['lost', 'CUDA', 100, 'cudaErrorNoDevice', 'CUDA_ERROR_NO_DEVICE'],
  ['lost', 'CUDA', 101, 'cudaErrorInvalidDevice', 'CUDA_ERROR_INVALID_DEVICE'],
  ['lost', 'CUDA', 102, 'cudaErrorDeviceNotLicensed', 'CUDA_ERROR_DEVICE_NOT_LICENSED'],
  ['lost', 'CUDA', 214, 'cudaErrorECCUncorrectable', 'CUDA_ERROR_ECC_UNCORRECTABLE'],
  ['lost', 'CUDA', 216, 'cudaErrorDeviceAlreadyInUse', 'CUDA_ERROR_CONTEXT_ALREADY_IN_USE'],
  ['lost', 'CUDA', 220, 'cudaErrorNvlinkUncorrectable', 'CUDA_ERROR_NVLINK_UNCORRECTABLE'],
  ['lost', 'CUDA', 226, 'cudaErrorContained', 'CUDA_ERROR_CONTAINED'],
  ['lost', 'CUDA', 700, 'cudaErrorIllegalAddress', 'CUDA_ERROR_ILLEGAL_ADDRESS'],
  ['lost', 'CUDA', 702, 'cudaErrorLaunchTimeout', 'CUDA_ERROR_LAUNCH_TIMEOUT'],
  ['lost', 'CUDA', 709, 'cudaErrorContextIsDestroyed', 'CUDA_ERROR_CONTEXT_IS_DESTROYED'],
  ['lost', 'CUDA', 710, 'cudaErrorAssert', 'CUDA_ERROR_ASSERT'],
  ['lost', 'CUDA', 714, 'cudaErrorHardwareStackError', 'CUDA_ERROR_HARDWARE_STACK_ERROR'],
  ['lost', 'CUDA', 715, 'cudaErrorIllegalInstruction', 'CUDA_ERROR_ILLEGAL_INSTRUCTION'],
  ['lost', 'CUDA', 716, 'cudaErrorMisalignedAddress', 'CUDA_ERROR_MISALIGNED_ADDRESS'],
  ['lost', 'CUDA', 717, 'cudaErrorInvalidAddressSpace', 'CUDA_ERROR_INVALID_ADDRESS_SPACE'],
  ['lost', 'CUDA', 718, 'cudaErrorInvalidPc', 'CUDA_ERROR_INVALID_PC'],
  ['lost', 'CUDA', 719, 'cudaErrorLaunchFailure', 'CUDA_ERROR_LAUNCH_FAILED'],
  ['lost', 'CUDA', 721, 'cudaErrorTensorMemoryLeak', 'CUDA_ERROR_TENSOR_MEMORY_LEAK'],
  ['lost', 'CUDA', 802, 'cudaErrorSystemNotReady', 'CUDA_ERROR_SYSTEM_NOT_READY'],
  ['lost', 'CUDA', 803, 'cudaErrorSystemDriverMismatch', 'CUDA_ERROR_SYSTEM_DRIVER_MISMATCH'],
  ['lost', 'CUDA', 805, 'cudaErrorMpsConnectionFailed', 'CUDA_ERROR_MPS_CONNECTION_FAILED'],
  ['lost', 'CUDA', 806, 'cudaErrorMpsRpcFailure', 'CUDA_ERROR_MPS_RPC_FAILURE'],
  ['lost', 'CUDA', 807, 'cudaErrorMpsServerNotReady', 'CUDA_ERROR_MPS_SERVER_NOT_READY'],
  ['lost', 'CUDA', 810, 'cudaErrorMpsClientTerminated', 'CUDA_ERROR_MPS_CLIENT_TERMINATED'],
  ['lost', 'CUDA', 911, 'cudaErrorExternalDevice', 'CUDA_ERROR_EXTERNAL_DEVICE'],
  ['lost', 'CUDA', 999, 'cudaErrorUnknown', 'CUDA_ERROR_UNKNOWN'],
  ['memory', 'CUDA', 2, 'cudaErrorMemoryAllocation', 'CUDA_ERROR_OUT_OF_MEMORY'],
  ['memory', 'CUBLAS', 3, 'CUBLAS_STATUS_ALLOC_FAILED'],
  ['memory', 'CUDNN', 4003, 'CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED', 'CUDNN_STATUS_ALLOC_FAILED'],
  ['memory', 'CUDNN', 4004, 'CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED'],
  ['memory', 'CURAND', 102, 'CURAND_STATUS_ALLOCATION_FAILED'],
  ['memory', 'CUFFT', 2, 'CUFFT_ALLOC_FAILED'],
];

const BY_NUMBER = new Map(ROWS.map(([verdict, library, number]) => [`${library} ${number}`, verdict]));
const BY_NAME = new Map(ROWS.flatMap(([verdict, , , ...names]) => names.map((name) => [name, verdict] as const)));

/** After most calls the provider gives the number, after a kernel the name alone: "CUDA error cudaErrorLaunchFailure:…". */
const NUMBERED = /\b(CUDA|CUBLAS|CUDNN|CURAND|CUFFT) ?(?:failure|error)[ =]*(\d+)\b/gi;
const NAMED = /\b(?:cudaError[A-Z]\w*|CUDA_ERROR_\w+|(?:CUBLAS|CUDNN|CURAND)_STATUS_\w+|CUFFT_\w+)/g;

/** What the words of a failure say about the device, by the statuses in them; that it is lost outweighs the rest. */
export function verdictOf(words: string): DeviceVerdict {
  const verdicts = [
    ...[...words.matchAll(NUMBERED)].map(([, library, number]) => BY_NUMBER.get(`${library!.toUpperCase()} ${number}`)),
    ...[...words.matchAll(NAMED)].map(([name]) => BY_NAME.get(name)),
  ];
  return verdicts.includes('lost') ? 'lost' : verdicts.find((verdict) => verdict !== undefined);
}

const OUT_OF_MEMORY = 2;

/** A call of CUDA's runtime, and the status that it gave. */
export type Answer = readonly [functionName: string, status: number];

/**
 * The answer by which a device is lost; undefined where it works. An error that stays in a context is every later call's answer. A device that cannot
 * even tell its free memory is lost whatever it says, unless it is full; of other questions the answer may be an error that a thread has left behind.
 */
export function lossAmong(answers: readonly Answer[]): Answer | undefined {
  return answers.find(
    ([functionName, status]) =>
      verdictOf(`CUDA failure ${status}`) === 'lost' ||
      (functionName === 'cudaMemGetInfo' && status !== 0 && status !== OUT_OF_MEMORY),
  );
}
