import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sharedLibrary } from '../build/shared-library.ts';
import { buildInfo, provider, smallWheels, WITNESS } from '../build/small-wheels.ts';
import { torchEnvironment } from '../torch/python.ts';
import { absolutePaths, cudaCache, cudaEnvironment, fetchCuda, keptByHand } from './cuda-libraries.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cuda-libraries-'));
  mkdirSync(join(folder, 'wheels'));
  writeFileSync(runtime(), sharedLibrary({ text: buildInfo('f2c39fe2f') }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const runtime = () => join(folder, 'libonnxruntime.so.1');
const cache = () => join(folder, 'cache');
const fetchFrom = (wheels: ReturnType<typeof smallWheels>) =>
  fetchCuda({ cache: cache(), runtime: runtime(), wheels, wheelFolder: join(folder, 'wheels') });

test('our own runtime lies beside the provider, and CUDA’s libraries in one folder', async () => {
  const found = await fetchFrom(smallWheels(join(folder, 'wheels')));
  const beside = dirname(found.runtime);
  expect(readdirSync(beside).sort()).toEqual([
    'libonnxruntime.so.1',
    'libonnxruntime_providers_cuda.so',
    'libonnxruntime_providers_shared.so',
  ]);
  expect(readFileSync(found.runtime)).toEqual(readFileSync(runtime()));
  expect(readFileSync(join(beside, 'libonnxruntime_providers_cuda.so'))).toEqual(provider);
  expect(readdirSync(found.cuda)).toEqual(
    expect.arrayContaining(['libcudart.so.13', 'libcudnn.so.9', 'libnvrtc.so.13']),
  );
});

test('what has been fetched once is not fetched again', async () => {
  const wheels = smallWheels(join(folder, 'wheels'));
  const found = await fetchFrom(wheels);
  rmSync(join(folder, 'wheels'), { recursive: true });
  expect(await fetchFrom(wheels)).toEqual(found);
});

test('another runtime has a folder of its own', async () => {
  const wheels = smallWheels(join(folder, 'wheels'));
  const first = await fetchFrom(wheels);
  writeFileSync(runtime(), sharedLibrary({ needed: ['libm.so.6'], text: buildInfo('f2c39fe2f') }));
  expect((await fetchFrom(wheels)).runtime).not.toBe(first.runtime);
});

test('other bytes than the pinned ones are refused, and nothing of them is kept', async () => {
  const wheels = smallWheels(join(folder, 'wheels'));
  writeFileSync(join(folder, 'wheels', 'nvidia-cublas.whl'), 'other bytes');
  await expect(fetchFrom(wheels)).rejects.toMatchObject({ code: 'E_IMAGE_WHEEL' });
  expect(readdirSync(cache())).toEqual([]);
});

test('a provider of another build than our runtime is refused', async () => {
  const wheels = smallWheels(join(folder, 'wheels'), { [WITNESS]: sharedLibrary({ text: buildInfo('0ther') }) });
  await expect(fetchFrom(wheels)).rejects.toMatchObject({ code: 'E_IMAGE_BUILD' });
  expect(readdirSync(cache())).toEqual([]);
});

test('what a run was killed over is cleared once it is old, and what another run is at stays', async () => {
  const [old, young] = [join(cache(), '.partial-old'), join(cache(), '.partial-young')];
  for (const each of [old, young]) mkdirSync(each, { recursive: true });
  utimesSync(old, 0, 0);
  await fetchFrom(smallWheels(join(folder, 'wheels')));
  expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
});

test.each([
  { environment: {}, isByHand: false },
  { environment: { DUALPARAL_ORT_LIBRARY: '' }, isByHand: false },
  { environment: { LD_LIBRARY_PATH: '/usr/local/cuda/lib64' }, isByHand: false },
  { environment: { DUALPARAL_ORT_LIBRARY: '/ort/libonnxruntime.so.1' }, isByHand: true },
])('with $environment libraries are set by hand: $isByHand', ({ environment, isByHand }) => {
  expect(keptByHand(environment)).toBe(isByHand);
});

const here = process.cwd();

test.each([
  { given: 'kept/cuda', path: join(here, 'kept/cuda') },
  { given: '/kept/cuda', path: '/kept/cuda' },
  { given: '', path: join(homedir(), '.cache/dualparal/cuda') },
  { given: undefined, path: join(homedir(), '.cache/dualparal/cuda') },
])('libraries are kept in an absolute folder, wherever a film works: $given', ({ given, path }) => {
  expect(cudaCache({ DUALPARAL_CUDA_CACHE: given })).toBe(path);
});

test('what is set by hand as a path from here is absolute for films, which work elsewhere', () => {
  const found = absolutePaths({
    ...{ DUALPARAL_ORT_LIBRARY: 'ort/libonnxruntime.so', DUALPARAL_FFMPEG: './ffmpeg', OTHER: './other' },
    LD_LIBRARY_PATH: 'cuda/lib:/usr/local/cuda/lib64',
  });
  expect(found).toEqual({
    ...{ DUALPARAL_ORT_LIBRARY: join(here, 'ort/libonnxruntime.so'), DUALPARAL_FFMPEG: join(here, 'ffmpeg') },
    ...{ OTHER: './other', LD_LIBRARY_PATH: `${join(here, 'cuda/lib')}:/usr/local/cuda/lib64` },
  });
});

test('a name that the system’s loader looks for stays a name, and an empty variable empty', () => {
  const named = { DUALPARAL_ORT_LIBRARY: 'libonnxruntime.so.1', DUALPARAL_FFMPEG: '', LD_LIBRARY_PATH: '' };
  expect(absolutePaths(named)).toEqual(named);
});

const libraries = { runtime: '/kept/libonnxruntime.so.1', cuda: '/kept/cuda' };

test.each([
  { byHand: undefined, path: '/kept/cuda', torch: undefined },
  { byHand: '/usr/local/cuda/lib64', path: '/usr/local/cuda/lib64:/kept/cuda', torch: '/usr/local/cuda/lib64' },
])('with $byHand on the loader’s path it comes first, and PyTorch sees it alone', ({ byHand, path, torch }) => {
  const before = { PATH: '/bin', LD_LIBRARY_PATH: byHand };
  const added = cudaEnvironment(libraries, before);
  expect(added).toMatchObject({ LD_LIBRARY_PATH: path, DUALPARAL_ORT_LIBRARY: libraries.runtime });
  const seen = torchEnvironment({ ...before, ...added });
  expect([seen.PATH, seen.LD_LIBRARY_PATH]).toEqual(['/bin', torch]);
});

test('where nothing was added PyTorch sees what is there', () => {
  const environment = { LD_LIBRARY_PATH: '/kept/cuda' };
  expect(torchEnvironment(environment)).toBe(environment);
});
