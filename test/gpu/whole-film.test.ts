import { expect, test } from 'vitest';
import { filmEnvironment, madeOn } from './whole-film.part.ts';

test('a film’s process sees the devices and libraries that its part sees, and none of its caches', () => {
  const passedOn = {
    ...{ CUDA_VISIBLE_DEVICES: '1', LD_LIBRARY_PATH: '/cuda', DUALPARAL_ORT_LIBRARY: '/ort/libonnxruntime.so.1' },
    ...{ ORT_ENABLE_CUDNN_FLASH_ATTENTION: '0', NODE_PATH: '/modules', PATH: '/bin' },
  };
  const others = {
    ...{ HOME: '/root', XDG_CACHE_HOME: '/root/.cache', UNSET: undefined },
    ...{ DUALPARAL_DEVICE: 'cpu', DUALPARAL_STANDIN_GPUS: 'gpu-0' },
  };
  expect(filmEnvironment({ ...passedOn, ...others })).toEqual(passedOn);
});

const told = (...devices: string[]) =>
  JSON.stringify({ progress: { plan: { stages: devices.map((device) => ({ device, firstLayer: 0 })), blocks: 1 } } });

test.each([
  { what: 'all stages on a card', stdout: told('cuda:0 (NVIDIA H100)', 'cuda:1 (NVIDIA H100)'), holds: true },
  { what: 'a stage on the processor', stdout: told('cuda:0 (NVIDIA H100)', 'cpu:0'), holds: false },
  { what: 'a film of the processor', stdout: told('cpu:0'), holds: false },
  { what: 'a stand-in', stdout: told('gpu-0'), holds: false },
  { what: 'nothing told', stdout: '', holds: false },
])('$what: made on cuda holds is $holds', ({ stdout, holds }) => {
  expect(madeOn('cuda', { stdout }).holds).toBe(holds);
});
