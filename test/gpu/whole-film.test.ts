import { expect, test } from 'vitest';
import { filmEnvironment } from './whole-film.part.ts';

test('a film’s process sees the devices and libraries that its part sees, and none of its caches', () => {
  const passedOn = {
    ...{ CUDA_VISIBLE_DEVICES: '1', LD_LIBRARY_PATH: '/cuda', DUALPARAL_ORT_LIBRARY: '/ort/libonnxruntime.so.1' },
    ...{ ORT_ENABLE_CUDNN_FLASH_ATTENTION: '0', NODE_PATH: '/modules', PATH: '/bin' },
  };
  const others = { HOME: '/root', XDG_CACHE_HOME: '/root/.cache', UNSET: undefined };
  expect(filmEnvironment({ ...passedOn, ...others })).toEqual(passedOn);
});
