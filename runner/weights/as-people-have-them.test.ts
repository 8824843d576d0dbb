/** Model folders as people have them: each is refused by a code, the file's name and the way out, by those who open and who inspect. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { CodedError } from '#contract/error.ts';
import { inspectModel } from './inspect-model.ts';
import { openModel } from './open-model.ts';
import { readTensors } from './read-tensors.ts';
import { safetensorsBytes } from './write-tensors.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors';
const POINTER = `version https://lfs.example/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 4920000000\n`;
const PAGE = '<!DOCTYPE html>\n<html lang="en"><head><title>Log in</title></head></html>\n';
const scratch = mkdtempSync(join(tmpdir(), 'people-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A copy of the tiny model that a test may damage. */
function copy(): string {
  const folder = join(mkdtempSync(join(scratch, 'm-')), 'model');
  cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true });
  return folder;
}

function write(folder: string, file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content);
}

/** Stores the transformer's tensors anew, under other names or with others besides. */
function rewrite(folder: string, edit: (tensors: ReturnType<typeof all>) => ReturnType<typeof all>): void {
  writeFileSync(join(folder, WEIGHTS), safetensorsBytes(new Map(edit(all(join(folder, WEIGHTS))))));
}

function all(path: string) {
  const read = readTensors(path);
  return read.names.map((name) => [name, read.f32(name)] as const);
}

/** Changes the header's text without changing its length. */
function editHeader(folder: string, edit: (header: string) => string): void {
  const bytes = readFileSync(join(folder, WEIGHTS));
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const header = edit(bytes.subarray(8, end).toString('latin1')).slice(0, end - 8);
  bytes.write(header.padEnd(end - 8, ' '), 8, 'latin1');
  writeFileSync(join(folder, WEIGHTS), bytes);
}

interface Case {
  readonly name: string;
  readonly damage: (folder: string) => unknown;
  readonly code: string;
  readonly message: string;
}

const FILES: readonly Case[] = [
  {
    name: 'a Git LFS pointer in place of weights',
    damage: (folder) => write(folder, WEIGHTS, POINTER),
    code: 'E_MODEL_POINTER',
    message: `${WEIGHTS}: is a Git LFS pointer, not the file itself; run git lfs pull in the model folder, or download the file again`,
  },
  {
    name: 'a Git LFS pointer in place of a config',
    damage: (folder) => write(folder, 'vae/config.json', POINTER),
    code: 'E_MODEL_POINTER',
    message: 'vae/config.json: is a Git LFS pointer, not the file itself; run git lfs pull in the model folder, or ',
  },
  {
    name: 'a log-in page in place of weights',
    damage: (folder) => write(folder, WEIGHTS, PAGE),
    code: 'E_MODEL_PAGE',
    message: `${WEIGHTS}: holds a web page, not the file itself; download it again, logged in`,
  },
  {
    name: 'a page in place of model_index.json',
    damage: (folder) => write(folder, 'model_index.json', PAGE),
    code: 'E_MODEL_PAGE',
    message: 'model_index.json: holds a web page, not the file itself; ',
  },
  {
    name: "a server's answer in place of a config",
    damage: (folder) => write(folder, 'vae/config.json', '{"error":"Repository not found"}'),
    code: 'E_MODEL_PAGE',
    message: 'vae/config.json: holds a server\'s answer ({"error":"Repository not found"}), not the file itself; ',
  },
  {
    name: "a server's word in place of weights",
    damage: (folder) => write(folder, WEIGHTS, 'Entry not found'),
    code: 'E_MODEL_PAGE',
    message: `${WEIGHTS}: holds a server's answer (Entry not found), not the file itself; `,
  },
  {
    name: 'a GGUF file under the name of safetensors',
    damage: (folder) => write(folder, WEIGHTS, Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(64, 7)])),
    code: 'E_MODEL_FORMAT',
    message: `${WEIGHTS}: is a GGUF file, which is not supported; take the safetensors files`,
  },
  {
    name: 'a PyTorch file under the name of safetensors',
    damage: (folder) =>
      write(folder, WEIGHTS, Buffer.concat([Buffer.from('PK\x03\x04\0\0\x08\x08'), Buffer.alloc(64, 7)])),
    code: 'E_MODEL_FORMAT',
    message: `${WEIGHTS}: is a PyTorch file or another zip archive, which is not supported; `,
  },
  {
    name: 'a file that a full disk left as zeros',
    damage: (folder) => write(folder, WEIGHTS, Buffer.alloc(4096)),
    code: 'E_MODEL_INCOMPLETE',
    message: `${WEIGHTS}: holds nothing but zeros; the download did not end, start it again`,
  },
  {
    name: 'an empty config',
    damage: (folder) => write(folder, 'vae/config.json', ''),
    code: 'E_MODEL_INCOMPLETE',
    message: 'vae/config.json: is empty; the download did not end, start it again',
  },
  {
    name: 'weights in FP8',
    damage: (folder) => editHeader(folder, (header) => header.replace('"dtype":"F32"', '"dtype":"F8_E4M3"')),
    code: 'E_WEIGHTS_QUANTIZED',
    message: 'stored as F8_E4M3, is not supported yet; take the bf16 or fp16 files of the model',
  },
  {
    name: 'weights of four bits with their tables',
    damage: (folder) =>
      rewrite(folder, (tensors) => [
        ...tensors,
        [`${tensors[3]![0]}.absmax`, { shape: [1], data: Float32Array.of(1) }],
      ]),
    code: 'E_WEIGHTS_QUANTIZED',
    message: 'transformer: the quantised form of these weights (tensor ',
  },
  {
    name: "the tensor names of Wan's own files",
    damage: (folder) =>
      rewrite(folder, (tensors) =>
        tensors.map(([name, tensor]) => [
          name.replace('attn1.to_q', 'self_attn.q').replace('attn2.to_q', 'cross_attn.q'),
          tensor,
        ]),
      ),
    code: 'E_MODEL_LAYOUT',
    message:
      "transformer: its tensors have the names of Wan's own files or of those for ComfyUI (blocks.0.self_attn.q.bias); take the model in the Diffusers layout: its repository has a name that ends in -Diffusers",
  },
  {
    name: 'the tensor names of files for ComfyUI',
    damage: (folder) =>
      rewrite(folder, (tensors) => tensors.map(([name, tensor]) => [`model.diffusion_model.${name}`, tensor])),
    code: 'E_MODEL_LAYOUT',
    message:
      "transformer: its tensors have the names of Wan's own files or of those for ComfyUI (model.diffusion_model.",
  },
  {
    name: 'a pipe in place of a config',
    damage: (folder) => {
      rmSync(join(folder, 'vae/config.json'));
      spawnSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'vae/config.json')]);
    },
    code: 'E_MODEL_FILE',
    message: 'vae/config.json: is a pipe, not a regular file',
  },
  {
    name: 'an endless device in place of a config',
    damage: (folder) => {
      rmSync(join(folder, 'vae/config.json'));
      symlinkSync('/dev/zero', join(folder, 'vae/config.json'));
    },
    code: 'E_MODEL_FILE',
    message: 'vae/config.json: is a device, not a regular file',
  },
  {
    name: 'a folder in place of weights',
    damage: (folder) => {
      rmSync(join(folder, WEIGHTS));
      mkdirSync(join(folder, WEIGHTS));
    },
    code: 'E_MODEL_FILE',
    message: `${WEIGHTS}: is a folder, not a regular file`,
  },
  {
    name: 'a hub cache copied without its blobs: weights',
    damage: (folder) => {
      rmSync(join(folder, WEIGHTS));
      symlinkSync('../../../blobs/ab12', join(folder, WEIGHTS));
    },
    code: 'E_MODEL_LINK',
    message: `${WEIGHTS}: is a link to ../../../blobs/ab12, where there is no file; copy links as files (cp -rL;`,
  },
  {
    name: 'a hub cache copied without its blobs: the index of weights',
    damage: (folder) => symlinkSync('../../../blobs/cd34', join(folder, `${WEIGHTS}.index.json`)),
    code: 'E_MODEL_LINK',
    message: `${WEIGHTS}.index.json: is a link to ../../../blobs/cd34, where there is no file; `,
  },
  {
    name: 'a hub cache copied without its blobs: model_index.json',
    damage: (folder) => {
      rmSync(join(folder, 'model_index.json'));
      symlinkSync('../../blobs/ef56', join(folder, 'model_index.json'));
    },
    code: 'E_MODEL_LINK',
    message: 'model_index.json: is a link to ../../blobs/ef56, where there is no file; ',
  },
  {
    name: 'weights that are one variant only',
    damage: (folder) => renameSync(join(folder, WEIGHTS), join(folder, WEIGHTS.replace('.safe', '.fp16.safe'))),
    code: 'E_WEIGHTS_NAMED',
    message: `${WEIGHTS}: the file is missing; the folder holds diffusion_pytorch_model.fp16.safetensors; if that is the whole transformer, rename it to diffusion_pytorch_model.safetensors`,
  },
  {
    name: 'weights of a variant in shards',
    damage: (folder) => {
      rmSync(join(folder, WEIGHTS));
      for (const shard of [1, 2]) write(folder, WEIGHTS.replace('.safe', `.fp16-0000${shard}-of-00002.safe`), 'x');
    },
    code: 'E_WEIGHTS_NAMED',
    message: `${WEIGHTS}: the file is missing; the folder holds only a variant (diffusion_pytorch_model.fp16-00001-of-00002.safetensors, …); download the files without a variant`,
  },
  {
    name: 'shards without their index',
    damage: (folder) => {
      rmSync(join(folder, WEIGHTS));
      for (const shard of [1, 2]) write(folder, WEIGHTS.replace('.safe', `-0000${shard}-of-00002.safe`), 'x');
    },
    code: 'E_WEIGHTS_NAMED',
    message: 'download diffusion_pytorch_model.safetensors.index.json, which says what lies in which',
  },
  ...[
    ['diffusion_pytorch_model.bin', 'PyTorch'],
    ['model.pth', 'PyTorch'],
    ['wan2.1-q4_k_m.gguf', 'GGUF'],
    ['diffusion_flax_model.msgpack', 'Flax'],
    ['model.onnx', 'ONNX'],
  ].map(([file, format]) => ({
    name: `only ${file}`,
    damage: (folder: string) => renameSync(join(folder, WEIGHTS), join(folder, `transformer/${file}`)),
    code: 'E_WEIGHTS_NAMED',
    message: `${WEIGHTS}: the file is missing; the folder holds ${file}, and ${format} files are not supported; take the safetensors`,
  })),
  {
    name: 'weights of which only a part is downloaded',
    damage: (folder) => renameSync(join(folder, WEIGHTS), join(folder, `${WEIGHTS}.part`)),
    code: 'E_MODEL_INCOMPLETE',
    message: `${WEIGHTS}: is missing, but there is an unfinished diffusion_pytorch_model.safetensors.part; the download did not`,
  },
  {
    name: 'weights that aria2 is not done with',
    damage: (folder) => write(folder, `${WEIGHTS}.aria2`, 'x'),
    code: 'E_MODEL_INCOMPLETE',
    message: `${WEIGHTS}: there is an unfinished diffusion_pytorch_model.safetensors.aria2 beside it; `,
  },
  {
    name: 'a config that the client of the hub has not finished',
    damage: (folder) => {
      rmSync(join(folder, 'vae/config.json'));
      write(folder, '.cache/huggingface/download/vae/xyz.abc.incomplete', '{');
    },
    code: 'E_MODEL_INCOMPLETE',
    message:
      'vae/config.json: is missing, but there is an unfinished .cache/huggingface/download/vae/xyz.abc.incomplete; ',
  },
  {
    name: 'a config in UTF-16',
    damage: (folder) =>
      write(
        folder,
        'vae/config.json',
        Buffer.from(`\ufeff${readFileSync(join(folder, 'vae/config.json'))}`, 'utf16le'),
      ),
    code: 'E_MODEL_FILE',
    message: 'vae/config.json: it is UTF-16 text; save it as UTF-8',
  },
  {
    name: 'a config that is not there',
    damage: (folder) => rmSync(join(folder, 'vae/config.json')),
    code: 'E_MODEL_MISSING',
    message: 'vae/config.json: the file is missing',
  },
  {
    name: 'weights that are not there',
    damage: (folder) => rmSync(join(folder, 'transformer'), { recursive: true }),
    code: 'E_MODEL_MISSING',
    message: 'transformer/config.json: the file is missing',
  },
];

/** Everything that inspecting a folder says. */
function inspected(folder: string): readonly { readonly code: string; readonly message: string }[] {
  try {
    return inspectModel(folder).problems;
  } catch (error) {
    if (error instanceof CodedError) return [error];
    throw error;
  }
}

test.each(FILES)('$name: named with the way out', ({ damage, code, message }) => {
  const folder = copy();
  damage(folder);
  const wanted = expect.objectContaining({ code, message: expect.stringContaining(message) });
  expect(() => openModel(folder)).toThrow(wanted);
  expect(inspected(folder)).toContainEqual(wanted);
});

test('a byte order mark in front of a config is read over', () => {
  const folder = copy();
  for (const file of ['model_index.json', 'vae/config.json', 'scheduler/scheduler_config.json']) {
    write(folder, file, `\ufeff${readFileSync(join(folder, file), 'utf8')}`);
  }
  expect(openModel(folder).config).toEqual(openModel(`${GOLDEN}tiny-wan`).config);
});

test('a file of 8 GB in place of a config is not read', () => {
  const folder = copy();
  truncateSync(join(folder, 'vae/config.json'), 8e9);
  expect(() => openModel(folder)).toThrow('vae/config.json: has 8000000000 bytes, the limit is 1048576');
});
