import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { inspectModel } from './inspect-model.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';
const scratch = mkdtempSync(join(tmpdir(), 'inspect-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let copies = 0;

/** A copy of the tiny model that a test may damage; `sharded` has its transformer in four files. */
function copy(sharded = false): string {
  const folder = join(scratch, `m${copies++}`);
  cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true });
  if (sharded) {
    rmSync(join(folder, TRANSFORMER));
    cpSync(`${GOLDEN}tiny-wan-sharded/transformer`, join(folder, 'transformer'), { recursive: true });
  }
  return folder;
}

/** Cuts a safetensors file to its header and `extra` bytes of data. */
function cut(path: string, extra = 0): void {
  const header = Number(readFileSync(path).readBigUInt64LE(0));
  truncateSync(path, 8 + header + extra);
}

function summary(folder: string) {
  const { name, parameters, components, problems } = inspectModel(folder);
  return {
    name,
    parameters,
    components: components.map((survey) => [survey.folder, survey.tensors.size, survey.parameters, survey.dtypes]),
    headerOnlyFiles: components.map((survey) => survey.headerOnlyFiles),
    problems: problems.map(({ code, message, exit }) => [code, message, exit]),
  };
}

const WHOLE = {
  name: null,
  parameters: 1_137_707,
  components: [
    ['transformer', 150, 182_848, { F32: 731_392 }],
    ['text_encoder', 22, 30_368, { F32: 121_472 }],
    ['vae', 194, 924_491, { F32: 3_697_964 }],
  ],
  headerOnlyFiles: [0, 0, 0],
  problems: [],
};

test('a whole model is counted, component by component', () => {
  expect(summary(`${GOLDEN}tiny-wan`)).toEqual(WHOLE);
});

test('headers alone are enough, and are said to be alone', () => {
  const folder = copy();
  for (const file of [TRANSFORMER, 'vae/diffusion_pytorch_model.safetensors', 'text_encoder/model.safetensors']) {
    cut(join(folder, file));
  }
  expect(summary(folder)).toEqual({ ...WHOLE, headerOnlyFiles: [1, 1, 1] });
  const [file] = inspectModel(folder).components[0]!.files;
  expect(file!.byteLength - file!.presentBytes).toBe(731_392);
});

test('files stored in bfloat16 are counted in their own bytes', () => {
  const folder = copy();
  cpSync(`${GOLDEN}bf16/transformer`, join(folder, 'transformer'), { recursive: true });
  const { dtypes } = inspectModel(folder).components[0]!;
  expect(Object.keys(dtypes).sort()).toEqual(['BF16', 'F32']);
});

test('everything that is wrong is named at once', () => {
  const folder = copy(true);
  rmSync(join(folder, 'transformer/diffusion_pytorch_model-00002-of-00004.safetensors'));
  cut(join(folder, 'transformer/diffusion_pytorch_model-00003-of-00004.safetensors'), 100);
  rmSync(join(folder, 'text_encoder/config.json'));
  const vae = JSON.parse(readFileSync(join(folder, 'vae/config.json'), 'utf8'));
  writeFileSync(join(folder, 'vae/config.json'), JSON.stringify({ ...vae, num_res_blocks: 1 }));
  const { config, problems, components } = inspectModel(folder);
  expect(config).toBeNull();
  expect(problems.map(({ code }) => code)).toEqual([
    'E_MODEL_MISSING',
    'E_MODEL_MISSING',
    'E_WEIGHTS_TRUNCATED',
    'E_WEIGHTS_MISSING',
    'E_WEIGHTS_SURPLUS',
  ]);
  expect(problems.every(({ exit }) => exit === 'model')).toBe(true);
  const [transformer, text, decoder] = components;
  const listed = JSON.parse(
    readFileSync(join(folder, 'transformer/diffusion_pytorch_model.safetensors.index.json'), 'utf8'),
  ).weight_map as Record<string, string>;
  const lost = Object.keys(listed).filter((tensor) => listed[tensor]!.includes('00002'));
  expect(lost.length).toBeGreaterThan(0);
  expect([...transformer!.missing].sort()).toEqual(lost.sort());
  expect([text!.configRead, text!.tensors.size, text!.surplus]).toEqual([false, 22, []]);
  expect(decoder!.surplus).toHaveLength(4 * 6);
});

test('a misshapen tensor is given with what was found and what was wanted', () => {
  const folder = copy();
  const path = join(folder, 'transformer/config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...config, ffn_dim: 128 }));
  const { misshapen } = inspectModel(folder).components[0]!;
  expect(misshapen).toHaveLength(3 * 5);
  expect(misshapen[0]).toEqual({
    tensor: 'blocks.0.ffn.net.0.proj.weight',
    found: 'F32 [96,48]',
    wanted: 'F32|F16|BF16 [128,48]',
  });
});

test('a folder that is no model of ours is refused', () => {
  const folder = copy();
  writeFileSync(join(folder, 'model_index.json'), '{"_class_name": "FluxPipeline"}');
  expect(() => inspectModel(folder)).toThrow(expect.objectContaining({ code: 'E_MODEL_UNSUPPORTED' }));
  expect(() => inspectModel(join(folder, 'none'))).toThrow(expect.objectContaining({ code: 'E_MODEL_FOLDER' }));
});
