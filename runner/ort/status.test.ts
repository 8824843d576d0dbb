import { expect, test } from 'vitest';
import { failureOf } from './status.ts';

test.each([
  ['CUDA failure 719: unspecified launch failure ; GPU=1', 'E_DEVICE_LOST'],
  ['CUDA failure 46: CUDA-capable device(s) is/are busy or unavailable', 'E_DEVICE_LOST'],
  ['CUDA failure 100: no CUDA-capable device is detected', 'E_DEVICE_LOST'],
  ['CUDA failure 214: uncorrectable ECC error encountered', 'E_DEVICE_LOST'],
  ['CUDA failure 700: an illegal memory access was encountered', 'E_DEVICE_LOST'],
  ['CUDA error 999: unknown error', 'E_DEVICE_LOST'],
  ['CUDA failure 2: out of memory in cudaMemcpyAsync', 'E_DEVICE_MEMORY'],
  ['Available memory of 27648 is smaller than requested bytes of 178176', 'E_DEVICE_MEMORY'],
  ['CUDA failure 1: invalid argument', 'E_DEVICE_RUNTIME'],
  ['CUDA failure 7190: a number that is none', 'E_DEVICE_RUNTIME'],
  ['Got invalid dimensions for input: x', 'E_DEVICE_RUNTIME'],
  ['Exiting due to terminate flag being set to true.', 'E_DEVICE_STOPPED'],
])('%s is %s', (detail, code) => {
  expect(failureOf(detail, 'cuda:1', 'running a graph')).toMatchObject({ code });
});
