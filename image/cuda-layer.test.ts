import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sharedLibrary } from '../test/build/shared-library.ts';
import { buildInfo, provider, WITNESS, smallWheels as wheelsIn } from '../test/build/small-wheels.ts';
import { zipArchive } from '../test/build/zip-archive.ts';
import { cudaWheels, openedWhileRunning, type Wheel } from './cuda-contents.ts';
import { fillCudaLayer } from './cuda-layer.ts';
import { requirementsOf } from './wheels.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cuda-layer-test-'));
  mkdirSync(join(folder, 'wheels'));
  writeFileSync(join(folder, 'runtime'), sharedLibrary({ needed: ['libc.so.6'], text: buildInfo('f2c39fe2f') }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const smallWheels = (changes: Readonly<Record<string, Buffer>> = {}) => wheelsIn(join(folder, 'wheels'), changes);
const root = () => join(folder, 'root');
const fill = (wheels: readonly Wheel[], system = ['libc.so.6', 'libz.so.1']) =>
  fillCudaLayer(root(), {
    ...{ wheels, wheelFolder: join(folder, 'wheels') },
    ...{ runtime: join(folder, 'runtime'), system: new Set(system) },
  });

test('the provider lies beside the runtime, CUDA’s libraries in one folder, licences with them, and nothing else', async () => {
  await fill(smallWheels());
  const paths = globSync('**', { cwd: root(), withFileTypes: true }).filter((entry) => entry.isFile());
  expect(paths.map((entry) => join(entry.parentPath, entry.name).slice(root().length)).sort()).toMatchInlineSnapshot(`
    [
      "/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so",
      "/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_shared.so",
      "/opt/cuda/lib/libcublas.so.13",
      "/opt/cuda/lib/libcublasLt.so.13",
      "/opt/cuda/lib/libcudart.so.13",
      "/opt/cuda/lib/libcudnn.so.9",
      "/opt/cuda/lib/libcudnn_adv.so.9",
      "/opt/cuda/lib/libcudnn_cnn.so.9",
      "/opt/cuda/lib/libcudnn_engines_precompiled.so.9",
      "/opt/cuda/lib/libcudnn_engines_runtime_compiled.so.9",
      "/opt/cuda/lib/libcudnn_graph.so.9",
      "/opt/cuda/lib/libcudnn_heuristic.so.9",
      "/opt/cuda/lib/libcudnn_ops.so.9",
      "/opt/cuda/lib/libcurand.so.10",
      "/opt/cuda/lib/libnvrtc-builtins.so.13.0",
      "/opt/cuda/lib/libnvrtc.so.13",
      "/usr/share/licenses/nvidia-cublas/License.txt",
      "/usr/share/licenses/nvidia-cuda-nvrtc/License.txt",
      "/usr/share/licenses/nvidia-cuda-runtime/License.txt",
      "/usr/share/licenses/nvidia-cudnn-cu13/License.txt",
      "/usr/share/licenses/nvidia-curand/License.txt",
      "/usr/share/licenses/onnxruntime-gpu/LICENSE",
      "/usr/share/licenses/onnxruntime-gpu/ThirdPartyNotices.txt",
    ]
  `);
  const placed = join(
    root(),
    'app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so',
  );
  expect(readFileSync(placed)).toEqual(provider);
});

test('a library that the provider needs and nobody brings is named', async () => {
  const wheels = smallWheels().map((wheel) => ({
    ...wheel,
    files: wheel.files.filter((path) => !path.endsWith('libcudart.so.13')),
  }));
  await expect(fill(wheels)).rejects.toMatchObject({
    code: 'E_IMAGE_LIBRARY',
    message: 'the image lacks libcudart.so.13 (needed by libonnxruntime_providers_cuda.so)',
  });
});

test('so is one that is opened while running, which no list of a library names', async () => {
  const wheels = smallWheels().map((wheel) => ({
    ...wheel,
    files: wheel.files.filter((path) => !path.endsWith('libnvrtc.so.13')),
  }));
  await expect(fill(wheels)).rejects.toMatchObject({
    message: 'the image lacks libnvrtc.so.13 (needed by libcudnn_graph.so.9)',
  });
});

test('and one that the system below does not have', async () => {
  await expect(fill(smallWheels(), ['libc.so.6'])).rejects.toMatchObject({
    message: expect.stringMatching(/^the image lacks libz\.so\.1 \(needed by .*libcudnn_ops\.so\.9/),
  });
});

test.each<[string, string, string]>([
  ['of another build than the runtime', buildInfo('0123abc'), '0123abc'],
  ['that does not say its build', 'ORT', 'unknown'],
])('a provider %s is refused', async (_, text, found) => {
  await expect(fill(smallWheels({ [WITNESS]: sharedLibrary({ text }) }))).rejects.toMatchObject({
    code: 'E_IMAGE_BUILD',
    message: `the wheel of onnxruntime-gpu is of another build than the runtime: ${found}, the runtime is f2c39fe2f`,
  });
});

test('a file that is no library is refused by name', async () => {
  await expect(fill(smallWheels({ 'libcurand.so.10': Buffer.from('text') }))).rejects.toMatchObject({
    code: 'E_IMAGE_NOT_A_LIBRARY',
    message: 'libcurand.so.10 is no shared library for 64-bit Linux',
  });
});

test('a wheel of other bytes than those pinned counts as missing', async () => {
  const wheels = smallWheels();
  writeFileSync(join(folder, 'wheels', 'nvidia-curand.whl'), zipArchive({ x: 'other' }));
  await expect(fill(wheels)).rejects.toMatchObject({
    code: 'E_IMAGE_WHEEL',
    message: expect.stringContaining('holds no wheel of nvidia-curand 10.4.0.35 with the sha256 '),
  });
});

test('pip gets one pinned version and hash of each wheel', () => {
  const lines = requirementsOf(cudaWheels).trim().split('\n');
  expect(lines).toHaveLength(cudaWheels.length);
  for (const line of lines) expect(line).toMatch(/^[a-z0-9-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}$/);
});

test('what is opened while running is opened by libraries that are there', () => {
  const files = cudaWheels.flatMap((wheel) => wheel.files).map((path) => basename(path));
  for (const opener of Object.keys(openedWhileRunning)) expect(['libonnxruntime.so.1', ...files]).toContain(opener);
});
