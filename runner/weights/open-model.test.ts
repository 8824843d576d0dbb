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
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openModel } from './open-model.ts';
import { readTensors } from './read-tensors.ts';
import { safetensorsBytes } from './write-tensors.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'model-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let copies = 0;

/** A copy of the tiny model that a test may damage. */
function copy(): string {
  const folder = join(scratch, `m${copies++}`);
  cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true });
  return folder;
}

function editJson(path: string, edit: (json: Record<string, unknown>) => void): void {
  const json = JSON.parse(readFileSync(path, 'utf8'));
  edit(json);
  writeFileSync(path, JSON.stringify(json));
}

test('the tiny model opens whole', () => {
  const model = openModel(`${GOLDEN}tiny-wan`);
  expect({
    layers: model.config.transformer.layers,
    tensors: [model.transformer.tensors.size, model.text.tensors.size],
    experts: [model.transformer2, model.config.boundaryRatio],
    tokenizer: model.tokenizerFolder,
  }).toEqual({
    layers: 5,
    tensors: [5 * 27 + 15, 22],
    experts: [null, null],
    tokenizer: `${GOLDEN}tiny-wan/tokenizer`,
  });
});

test('shards, and the snapshot of a hub cache whose files are links, open alike', () => {
  const folder = copy();
  const blobs = join(folder, 'blobs');
  mkdirSync(blobs);
  rmSync(join(folder, 'transformer'), { recursive: true });
  cpSync(`${GOLDEN}tiny-wan-sharded/transformer`, join(folder, 'transformer'), { recursive: true });
  const single = openModel(`${GOLDEN}tiny-wan`);
  const sharded = openModel(folder);
  for (let shard = 1; shard <= 4; shard++) {
    const file = join(folder, 'transformer', `diffusion_pytorch_model-0000${shard}-of-00004.safetensors`);
    renameSync(file, join(blobs, `sha-${shard}`));
    symlinkSync(join('..', 'blobs', `sha-${shard}`), file);
  }
  const linked = openModel(folder);
  const shapes = (model: typeof single) =>
    [...model.transformer.tensors].map(([name, t]) => `${name} ${t.dtype} ${t.shape}`).sort();
  expect(shapes(sharded)).toEqual(shapes(single));
  expect(shapes(linked)).toEqual(shapes(single));
  expect(linked.transformer.folder).toBe(blobs);
  expect(linked.transformer.tensors.get('scale_shift_table')?.file).toMatch(/^sha-\d$/);
});

test('two experts open from one folder', () => {
  const folder = copy();
  cpSync(`${GOLDEN}two-experts`, folder, { recursive: true });
  const model = openModel(folder);
  expect([model.config.boundaryRatio, model.transformer2?.tensors.size]).toEqual([0.875, 150]);
});

const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';

/** Rewrites the transformer's tensors: renames or drops them by name. */
function rewrite(folder: string, rename: (name: string) => string | undefined): void {
  const path = join(folder, TRANSFORMER);
  const read = readTensors(path);
  const kept = read.names.flatMap((name) => {
    const to = rename(name);
    return to === undefined ? [] : [[to, read.f32(name)] as const];
  });
  writeFileSync(path, safetensorsBytes(new Map(kept)));
}

const REFUSED: readonly { name: string; damage: (folder: string) => void; code: string; message: RegExp }[] = [
  {
    name: 'a folder that is not there',
    damage: (folder) => rmSync(folder, { recursive: true }),
    code: 'E_MODEL_FOLDER',
    message: /^model folder .*: does not exist$/,
  },
  {
    name: 'no model_index.json',
    damage: (folder) => rmSync(join(folder, 'model_index.json')),
    code: 'E_MODEL_MISSING',
    message: /^model_index\.json: the file is missing$/,
  },
  {
    name: 'an image-to-video pipeline',
    damage: (folder) =>
      editJson(join(folder, 'model_index.json'), (j) => Object.assign(j, { _class_name: 'WanImageToVideoPipeline' })),
    code: 'E_MODEL_UNSUPPORTED',
    message:
      /^model_index\.json: WanImageToVideoPipeline is not supported \(image-to-video .*\); supported: Wan2\.1-T2V-1\.3B/,
  },
  {
    name: 'Wan2.2-TI2V-5B',
    damage: (folder) => editJson(join(folder, 'model_index.json'), (j) => Object.assign(j, { expand_timesteps: true })),
    code: 'E_MODEL_UNSUPPORTED',
    message: /TI2V-5B/,
  },
  {
    name: 'another transformer class',
    damage: (folder) =>
      editJson(join(folder, 'transformer/config.json'), (j) =>
        Object.assign(j, { _class_name: 'FluxTransformer2DModel' }),
      ),
    code: 'E_MODEL_UNSUPPORTED',
    message: /_class_name "FluxTransformer2DModel" is not supported \(must be "WanTransformer3DModel"\)/,
  },
  {
    name: 'an image-conditioned transformer',
    damage: (folder) => editJson(join(folder, 'transformer/config.json'), (j) => Object.assign(j, { in_channels: 36 })),
    code: 'E_MODEL_UNSUPPORTED',
    message: /^transformer\/config\.json: in_channels 36 is not supported/,
  },
  {
    name: 'another autoencoder',
    damage: (folder) => editJson(join(folder, 'vae/config.json'), (j) => Object.assign(j, { is_residual: true })),
    code: 'E_MODEL_UNSUPPORTED',
    message: /^vae\/config\.json: is_residual true is not supported \(must be false\)/,
  },
  {
    name: 'a config without a field',
    damage: (folder) => editJson(join(folder, 'transformer/config.json'), (j) => delete j.num_layers),
    code: 'E_MODEL_CONFIG',
    message: /^transformer\/config\.json: num_layers is missing$/,
  },
  {
    name: 'text and transformer of different widths',
    damage: (folder) => editJson(join(folder, 'text_encoder/config.json'), (j) => Object.assign(j, { d_model: 64 })),
    code: 'E_MODEL_CONFIG',
    message: /^text_encoder\/config\.json: d_model is 64, but transformer\/config\.json has text_dim 32$/,
  },
  {
    name: 'a value nested beyond all measure',
    damage: (folder) => {
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      writeFileSync(join(folder, 'vae/config.json'), `{"_class_name": ${deep}}`);
    },
    code: 'E_MODEL_UNSUPPORTED',
    message: /^vae\/config\.json: _class_name a deeply nested value is not supported/,
  },
  {
    name: 'a config too long to be one',
    damage: (folder) => writeFileSync(join(folder, 'vae/config.json'), `[${'1,'.repeat(600_000)}1]`),
    code: 'E_MODEL_FILE',
    message: /^vae\/config\.json: has 1200003 bytes, the limit is 1048576$/,
  },
  {
    name: 'another sampler',
    damage: (folder) =>
      editJson(join(folder, 'model_index.json'), (j) =>
        Object.assign(j, { scheduler: ['diffusers', 'DDIMScheduler'] }),
      ),
    code: 'E_MODEL_UNSUPPORTED',
    message: /DDIMScheduler is not supported/,
  },
  {
    name: 'a truncated weight file',
    damage: (folder) => truncateSync(join(folder, TRANSFORMER), 500_000),
    code: 'E_WEIGHTS_TRUNCATED',
    message: /^transformer\/diffusion_pytorch_model\.safetensors: truncated: has 500000 bytes, needs 745056;/,
  },
  {
    name: 'no weight file',
    damage: (folder) => rmSync(join(folder, TRANSFORMER)),
    code: 'E_MODEL_MISSING',
    message: /^transformer\/diffusion_pytorch_model\.safetensors: the file is missing$/,
  },
  {
    name: 'missing tensors',
    damage: (folder) => rewrite(folder, (name) => (name.startsWith('blocks.3.attn2') ? undefined : name)),
    code: 'E_WEIGHTS_MISSING',
    message: /^transformer: 10 tensors are missing, first: blocks\.3\.attn2\.to_q\.weight, .*, …$/,
  },
  {
    name: 'a tensor too many',
    damage: (folder) =>
      rewrite(folder, (name) => name) ??
      editJson(join(folder, 'transformer/config.json'), (j) => Object.assign(j, { num_layers: 4 })),
    code: 'E_WEIGHTS_SURPLUS',
    message: /^transformer: 27 tensors do not belong to the model of config\.json, first: blocks\.4\./,
  },
  {
    name: 'a wrong shape',
    damage: (folder) => editJson(join(folder, 'transformer/config.json'), (j) => Object.assign(j, { ffn_dim: 128 })),
    code: 'E_WEIGHTS_SHAPE',
    message: /tensor blocks\.0\.ffn\.net\.0\.proj\.weight: found F32 \[96,48\], wanted F32\|F16\|BF16 \[128,48\]/,
  },
];

test.each(REFUSED)('$name is refused by name', ({ damage, code, message }) => {
  const folder = copy();
  damage(folder);
  expect(() => openModel(folder)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
});

const INDEXES = [
  {
    name: 'a path out of the folder',
    edit: { 'proj_out.bias': '../x.safetensors' },
    message: /lies in "\.\.\/x\.safetensors", not in/,
  },
  {
    name: 'an absolute path',
    edit: { 'proj_out.bias': '/etc/x.safetensors' },
    message: /not in a file of this folder/,
  },
  { name: 'a number for a file', edit: { 'proj_out.bias': 7 }, message: /lies in 7, not in a file/ },
  {
    name: 'a tensor in the wrong shard',
    edit: { 'proj_out.bias': 'diffusion_pytorch_model-00001-of-00004.safetensors' },
    message: /is listed in .*00001.*, but lies in/,
  },
  {
    name: 'a tensor that no shard has',
    edit: { ghost: 'diffusion_pytorch_model-00001-of-00004.safetensors' },
    message: /"ghost" is listed in .*, but lies in no file/,
  },
] as const;

test.each(INDEXES)('an index with $name is refused', ({ edit, message }) => {
  const folder = copy();
  cpSync(`${GOLDEN}tiny-wan-sharded/transformer`, join(folder, 'transformer'), { recursive: true });
  editJson(join(folder, 'transformer/diffusion_pytorch_model.safetensors.index.json'), (json) =>
    Object.assign(json.weight_map as object, edit),
  );
  expect(() => openModel(folder)).toThrow(
    expect.objectContaining({ code: 'E_WEIGHTS_INDEX', message: expect.stringMatching(message) }),
  );
});

test('a missing shard is named', () => {
  const folder = copy();
  cpSync(`${GOLDEN}tiny-wan-sharded/transformer`, join(folder, 'transformer'), { recursive: true });
  rmSync(join(folder, 'transformer/diffusion_pytorch_model-00002-of-00004.safetensors'));
  expect(() => openModel(folder)).toThrow(
    'transformer/diffusion_pytorch_model-00002-of-00004.safetensors: the file is missing',
  );
});
