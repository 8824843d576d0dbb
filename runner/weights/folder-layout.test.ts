/** Folders that people give for a model folder: each is refused by a code and the way out, by those who open and who inspect. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { inspectModel } from './inspect-model.ts';
import { openModel } from './open-model.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'layouts-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function write(folder: string, file: string, content: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content);
}

const LAYOUTS: readonly {
  readonly name: string;
  readonly make: (folder: string) => unknown;
  readonly given?: string;
  readonly code: string;
  readonly message: string;
}[] = [
  {
    name: 'a hub cache',
    make: (folder) => {
      const snapshot = join(folder, 'snapshots/0fad');
      cpSync(`${GOLDEN}tiny-wan`, snapshot, { recursive: true });
    },
    code: 'E_MODEL_LAYOUT',
    message: 'is a folder of the hub cache; give the model folder itself: FOLDER/snapshots/0fad',
  },
  {
    name: 'the folder that holds hub caches',
    make: (folder) =>
      cpSync(`${GOLDEN}tiny-wan`, join(folder, 'models--Wan-AI--Wan2.1/snapshots/0fad'), { recursive: true }),
    code: 'E_MODEL_LAYOUT',
    message: 'give the model folder itself: FOLDER/models--Wan-AI--Wan2.1/snapshots/0fad',
  },
  {
    name: 'a hub cache whose snapshot has nothing',
    make: (folder) => mkdirSync(join(folder, 'snapshots/0fad'), { recursive: true }),
    code: 'E_MODEL_LAYOUT',
    message: 'is a hub cache without a whole model in it; download the model again',
  },
  {
    name: 'a folder that holds one model folder',
    make: (folder) => cpSync(`${GOLDEN}tiny-wan`, join(folder, 'wan'), { recursive: true }),
    code: 'E_MODEL_LAYOUT',
    message: 'holds model folders, but is none; give the model folder itself: FOLDER/wan',
  },
  {
    name: "Wan's own layout",
    make: (folder) => {
      write(folder, 'config.json', '{"_class_name": "WanModel", "dim": 1536}');
      for (const file of ['models_t5_umt5-xxl-enc-bf16.pth', 'Wan2.1_VAE.pth']) write(folder, file, 'x');
      write(folder, 'diffusion_pytorch_model.safetensors', 'x');
    },
    code: 'E_MODEL_LAYOUT',
    message:
      "holds the model in Wan's own layout (Wan2.1_VAE.pth); take the model in the Diffusers layout: its repository",
  },
  {
    name: "the transformer of Wan's own layout",
    make: (folder) => write(folder, 'config.json', '{"_class_name": "WanModel"}'),
    code: 'E_MODEL_LAYOUT',
    message: "holds the model in Wan's own layout (config.json of a WanModel); ",
  },
  {
    name: 'files for ComfyUI',
    make: (folder) => write(folder, 'split_files/diffusion_models/wan2.1_t2v_1.3B_fp16.safetensors', 'x'),
    code: 'E_MODEL_LAYOUT',
    message: 'holds files for ComfyUI (split_files); take the model in the Diffusers layout: ',
  },
  {
    name: 'a single weight file in a folder',
    make: (folder) => write(folder, 'wan2.1_t2v_1.3B_fp16.safetensors', 'x'),
    code: 'E_MODEL_LAYOUT',
    message: 'holds single weight files (wan2.1_t2v_1.3B_fp16.safetensors) without model_index.json; ',
  },
  {
    name: 'an empty folder',
    make: () => {},
    code: 'E_MODEL_LAYOUT',
    message: 'FOLDER: is empty; download the model into it',
  },
  {
    name: 'a clone without its files',
    make: (folder) => mkdirSync(join(folder, '.git')),
    code: 'E_MODEL_LAYOUT',
    message: 'holds a Git repository without its files; run git checkout and git lfs pull in it',
  },
  {
    name: 'some other folder',
    make: (folder) => write(folder, 'holiday.jpg', 'x'),
    code: 'E_MODEL_LAYOUT',
    message:
      'holds no model: there is no model_index.json, only holiday.jpg; give a model folder in the Diffusers layout',
  },
  {
    name: 'one part of a model',
    make: (folder) => cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true }),
    given: 'transformer',
    code: 'E_MODEL_LAYOUT',
    message: 'FOLDER/transformer: is one part of a model; give the folder that holds it',
  },
  {
    name: 'model_index.json itself',
    make: (folder) => cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true }),
    given: 'model_index.json',
    code: 'E_MODEL_FOLDER',
    message: 'FOLDER/model_index.json: is a file; give the folder that holds it',
  },
  {
    name: 'a single weight file',
    make: (folder) => write(folder, 'wan.safetensors', 'x'),
    given: 'wan.safetensors',
    code: 'E_MODEL_FOLDER',
    message: 'FOLDER/wan.safetensors: is a single weight file; take the model in the Diffusers layout: ',
  },
  {
    name: 'a link that leads nowhere',
    make: (folder) => symlinkSync('/nowhere/wan', join(folder, 'wan')),
    given: 'wan',
    code: 'E_MODEL_FOLDER',
    message: 'FOLDER/wan: is a link that leads nowhere',
  },
];

test.each(LAYOUTS)('$name in place of a model folder: named with the way out', ({ make, given, code, message }) => {
  const folder = mkdtempSync(join(scratch, 'l-'));
  make(folder);
  const place = given === undefined ? folder : join(folder, given);
  const wanted = { code, message: expect.stringContaining(message.replaceAll('FOLDER', folder)) };
  expect(() => openModel(place)).toThrow(expect.objectContaining(wanted));
  expect(() => inspectModel(place)).toThrow(expect.objectContaining(wanted));
});
