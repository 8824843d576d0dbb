import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packFolder, runToEnd } from './layer.ts';
import { packModel } from './model-image.ts';
import { fileDigest, writeOciImage } from './oci-layout.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function makeModel(name: string, time: number): string {
  const model = join(folder, name);
  mkdirSync(join(model, 'vae'), { recursive: true });
  writeFileSync(join(model, 'model_index.json'), '{}');
  writeFileSync(join(folder, 'blob'), 'weights');
  symlinkSync(join(folder, 'blob'), join(model, 'vae', 'model.safetensors'));
  chmodSync(join(model, 'model_index.json'), time % 2 === 0 ? 0o600 : 0o664);
  utimesSync(join(model, 'model_index.json'), time, time);
  return model;
}

function unpack(tarFile: string): string {
  const target = `${tarFile}.d`;
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['--extract', '--file', tarFile, '--directory', target]);
  return target;
}

test('a model’s image depends on its contents alone, not on times, modes or links', async () => {
  const one = await packModel(makeModel('one', 1000), 'localhost/m:1', join(folder, 'one.tar'));
  rmSync(join(folder, 'blob'));
  const two = await packModel(makeModel('two', 2001), 'localhost/m:1', join(folder, 'two.tar'));
  expect(two).toBe(one);
  expect(await fileDigest(join(folder, 'two.tar'))).toBe(await fileDigest(join(folder, 'one.tar')));
});

test('the layout names the image, and every blob has the digest that is its name', async () => {
  const digest = await packModel(makeModel('model', 5), 'localhost/m:1', join(folder, 'image.tar'));
  const layout = unpack(join(folder, 'image.tar'));
  const blob = (name: string) => readFileSync(join(layout, 'blobs', 'sha256', name.replace('sha256:', '')));
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  expect(index.manifests).toMatchObject([{ digest, annotations: { 'io.containerd.image.name': 'localhost/m:1' } }]);
  const manifest = JSON.parse(blob(digest).toString());
  for (const part of [manifest.config, ...manifest.layers]) {
    const bytes = blob(part.digest);
    expect(part).toMatchObject({
      digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
      size: bytes.length,
    });
  }
  const config = JSON.parse(blob(manifest.config.digest).toString());
  expect(config.rootfs.diff_ids).toEqual(manifest.layers.map((layer: { digest: string }) => layer.digest));
});

test('the files of a model lie at the root of its image', async () => {
  await packModel(makeModel('model', 5), 'localhost/m:1', join(folder, 'image.tar'));
  const layout = unpack(join(folder, 'image.tar'));
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  const blobs = join(layout, 'blobs', 'sha256');
  const manifest = JSON.parse(readFileSync(join(blobs, index.manifests[0].digest.slice(7)), 'utf8'));
  const files = execFileSync('tar', ['--list', '--file', join(blobs, manifest.layers[0].digest.slice(7))], {
    encoding: 'utf8',
  });
  expect(files.trim().split('\n')).toEqual(['./', './model_index.json', './vae/', './vae/model.safetensors']);
});

test('two equal layers share one blob', async () => {
  mkdirSync(join(folder, 'empty'));
  const layer = join(folder, 'layer.tar');
  await packFolder(join(folder, 'empty'), layer);
  await writeOciImage({ name: 'localhost/x:1', layers: [layer, layer], settings: {} }, join(folder, 'x.tar'));
  const blobs = execFileSync('ls', [join(unpack(join(folder, 'x.tar')), 'blobs', 'sha256')], { encoding: 'utf8' });
  expect(blobs.trim().split('\n')).toHaveLength(3);
});

test('a folder that is no model is refused by name', async () => {
  mkdirSync(join(folder, 'empty'));
  await expect(packModel(join(folder, 'empty'), 'localhost/m:1', join(folder, 'x.tar'))).rejects.toMatchObject({
    code: 'E_IMAGE_FOLDER',
    message: `${join(folder, 'empty')} is no folder of a model: it has no model_index.json`,
  });
});

test('a program that is missing is named, with the command that brings it', async () => {
  await expect(runToEnd('no-such-program', [])).rejects.toMatchObject({ code: 'E_IMAGE_PACKAGE' });
});

test('so is the Debian package that brings it, where its name is another', async () => {
  await expect(runToEnd('pip3', [], { PATH: folder })).rejects.toMatchObject({
    code: 'E_IMAGE_PACKAGE',
    message: expect.stringMatching(/^`pip3` is missing; .* python3-pip$/),
  });
});

test('a program that fails is quoted with the end of what it said', async () => {
  await expect(runToEnd('sh', ['-c', 'echo broken >&2; exit 3'])).rejects.toMatchObject({
    code: 'E_IMAGE_COMMAND',
    message: '`sh -c echo broken >&2; exit 3` failed with exit status 3: broken',
  });
});
