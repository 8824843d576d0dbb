import { expect, test } from 'vitest';
import { failureOf } from './status.ts';

const works = () => undefined;
const codeOf = (detail: string, loss: (device: string) => string | undefined = works) =>
  (failureOf(detail, 'cuda:1', 'running a graph', loss) as Error & { code: string }).code;

test.each([
  ['CUDA failure 719: unspecified launch failure ; GPU=1', 'E_DEVICE_LOST'],
  ['CUDA error cudaErrorLaunchFailure:unspecified launch failure', 'E_DEVICE_LOST'],
  ['CUDA failure 2: out of memory in cudaMemcpyAsync', 'E_DEVICE_MEMORY'],
  ['CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=1', 'E_DEVICE_MEMORY'],
  ['Available memory of 27648 is smaller than requested bytes of 178176', 'E_DEVICE_MEMORY'],
  ['Failed to allocate memory for requested buffer of size 178176', 'E_DEVICE_MEMORY'],
  ['std::bad_alloc', 'E_DEVICE_MEMORY'],
  ['CUDA failure 1: invalid argument', 'E_DEVICE_RUNTIME'],
  ['CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED ; GPU=1', 'E_DEVICE_RUNTIME'],
  ['Got invalid dimensions for input: x', 'E_DEVICE_RUNTIME'],
  ['Exiting due to terminate flag being set to true.', 'E_DEVICE_STOPPED'],
])('on a device that works %s is %s', (detail, code) => {
  expect(codeOf(detail)).toBe(code);
});

test.each([
  ['CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED ; GPU=1', 'E_DEVICE_LOST'],
  ['CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED ; GPU=1', 'E_DEVICE_LOST'],
  // The runtime's arena swallows why the device gave no memory.
  ['Failed to allocate memory for requested buffer of size 178176', 'E_DEVICE_LOST'],
  ['Got invalid dimensions for input: x', 'E_DEVICE_LOST'],
  ['Exiting due to terminate flag being set to true.', 'E_DEVICE_STOPPED'],
])('on a device that does not answer any more %s is %s', (detail, code) => {
  expect(codeOf(detail, () => 'CUDA failure 719: unspecified launch failure')).toBe(code);
});

test('the error of a lost device has the words of the failure, and those of the device', () => {
  const { message } = failureOf('CUBLAS failure 14: x', 'cuda:1', 'running a graph', () => 'CUDA failure 700: y');
  expect(message).toMatch(
    /^cuda:1 stopped working while running a graph: CUBLAS failure 14: x \(.*CUDA failure 700: y\);/,
  );
});

test('a device that this thread has never used is asked nothing', () => {
  expect(failureOf('CUBLAS failure 14: x', 'cpu:0', 'running a graph')).toMatchObject({ code: 'E_DEVICE_RUNTIME' });
});
