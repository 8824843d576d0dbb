import { describe, expect, test } from 'vitest';
import { lossAmong, verdictOf } from './cuda-statuses.ts';

/** Of CUDA's runtime, by what its header says of them. */
const CUDA = [
  [2, 'cudaErrorMemoryAllocation', 'memory'],
  ...(
    [
      [46, 'cudaErrorDevicesUnavailable'],
      [100, 'cudaErrorNoDevice'],
      [214, 'cudaErrorECCUncorrectable'],
      [220, 'cudaErrorNvlinkUncorrectable'],
      [226, 'cudaErrorContained'],
      [700, 'cudaErrorIllegalAddress'],
      [702, 'cudaErrorLaunchTimeout'],
      [710, 'cudaErrorAssert'],
      [714, 'cudaErrorHardwareStackError'],
      [715, 'cudaErrorIllegalInstruction'],
      [716, 'cudaErrorMisalignedAddress'],
      [717, 'cudaErrorInvalidAddressSpace'],
      [718, 'cudaErrorInvalidPc'],
      [719, 'cudaErrorLaunchFailure'],
      [721, 'cudaErrorTensorMemoryLeak'],
      [806, 'cudaErrorMpsRpcFailure'],
      [911, 'cudaErrorExternalDevice'],
      [999, 'cudaErrorUnknown'],
    ] as const
  ).map(([number, name]) => [number, name, 'lost'] as const),
  ...(
    [
      [1, 'cudaErrorInvalidValue'],
      [9, 'cudaErrorInvalidConfiguration'],
      [209, 'cudaErrorNoKernelImageForDevice'],
      [221, 'cudaErrorJitCompilerNotFound'],
      [222, 'cudaErrorUnsupportedPtxVersion'],
      [600, 'cudaErrorNotReady'],
      [701, 'cudaErrorLaunchOutOfResources'],
      [704, 'cudaErrorPeerAccessAlreadyEnabled'],
      [712, 'cudaErrorHostMemoryAlreadyRegistered'],
      [720, 'cudaErrorCooperativeLaunchTooLarge'],
      [801, 'cudaErrorNotSupported'],
    ] as const
  ).map(([number, name]) => [number, name, undefined] as const),
] as const;

describe.each(CUDA)('status %i of CUDA (%s)', (number, name, verdict) => {
  test.each([
    `CUDA failure ${number}: words of it ; GPU=1 ; hostname=vm ; expr=cudaStreamSynchronize(stream)`,
    `CUDA error ${number}: words of it`,
    `Fail to execute fused moe kernel, cuda error ${number}`,
    `Non-zero status code returned while running Reshape node. Status Message: CUDA error ${name}:words of it`,
  ])('is what it is, however it is written: %s', (words) => {
    expect(verdictOf(words)).toBe(verdict);
  });
});

test.each([
  ['CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=1', 'memory'],
  ['CUBLAS failure 3: resource allocation failed ; GPU=1', 'memory'],
  ['cuBLAS error: CUBLAS_STATUS_ALLOC_FAILED', 'memory'],
  ['CUDNN failure 4003: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ; GPU=0', 'memory'],
  ['CUDNN failure 4004: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ; GPU=0', 'memory'],
  ['CUDNN_FE failure 11: CUDNN_STATUS_ALLOC_FAILED', 'memory'],
  ['CURAND failure 102: x', 'memory'],
  ['CURAND_STATUS_ALLOCATION_FAILED', 'memory'],
  ['CUFFT failure 2: CUFFT_ALLOC_FAILED', 'memory'],
  ['CUDA_ERROR_OUT_OF_MEMORY', 'memory'],
  ['CUDA_ERROR_ILLEGAL_ADDRESS', 'lost'],
  ['CUDNN_FE failure 11: CUDNN_STATUS_ALLOC_FAILED after CUDA_ERROR_LAUNCH_FAILED', 'lost'],
  ['CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED', undefined],
  ['CUBLAS failure 14: CUBLAS_STATUS_INTERNAL_ERROR', undefined],
  ['CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED', undefined],
  ['CUBLAS failure 2: the number of another library', undefined],
  ['CUDA failure 7190: a number that is none', undefined],
  ['CUDA error cudaErrorLaunchFailureOfAnotherKind:x', undefined],
  ['Got invalid dimensions for input: x', undefined],
])('%s says: %s', (words, verdict) => {
  expect(verdictOf(words)).toBe(verdict);
});

test.each([
  ['works', { cudaPeekAtLastError: 0, cudaStreamQuery: 0, cudaMemGetInfo: 0 }, undefined],
  ['works, and is busy', { cudaPeekAtLastError: 0, cudaStreamQuery: 600, cudaMemGetInfo: 0 }, undefined],
  ['works, after a call with a bad argument', { cudaPeekAtLastError: 1, cudaMemGetInfo: 0 }, undefined],
  ['is full', { cudaPeekAtLastError: 2, cudaStreamQuery: 0, cudaMemGetInfo: 2 }, undefined],
  ['has an error that stays', { cudaPeekAtLastError: 0, cudaStreamQuery: 719, cudaMemGetInfo: 719 }, 'cudaStreamQuery'],
  ['cannot be chosen any more', { cudaSetDevice: 100, cudaMemGetInfo: 100 }, 'cudaSetDevice'],
  ['does not tell its memory', { cudaSetDevice: 0, cudaStreamQuery: 3, cudaMemGetInfo: 3 }, 'cudaMemGetInfo'],
])('a device that %s is told by its answers', (_, answers, lost) => {
  expect(lossAmong(Object.entries(answers))?.[0]).toBe(lost);
});
