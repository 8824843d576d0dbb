import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parseTextEncoderConfig,
  parseTransformerConfig,
  parseVaeConfig,
} from '../../runner/model/component-configs.ts';
import { textEncoderTensors, transformerTensors, vaeDecoderTensors } from '../../runner/model/tensor-names.ts';
import { bytesPerElement, elementCount, type FloatType } from '../../runner/tensor.ts';
import { CONFIGS, type PublishedModel } from './published-configs.ts';
import { type Shape, writeSparseFile } from './sparse-file.ts';
import { vaeEncoderTensors } from './vae-encoder-tensors.ts';

/** Shards are as long as those of the hub: at most 5 GB. */
const SHARD_BYTES = 5e9;

/**
 * A published model in a folder of the stock layout: its true configs, indexes and headers over files of the true size that
 * are holes. Some megabytes on the disk, whatever the model.
 */
export function writePublishedModel(folder: string, model: PublishedModel, dtype: FloatType = 'F32'): void {
  const configs = CONFIGS[model];
  for (const [file, config] of Object.entries(configs)) writeJson(join(folder, file), config);
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) writeJson(join(folder, 'tokenizer', name), {});
  const transformer = [...transformerTensors(parseTransformerConfig(configs['transformer/config.json']))];
  for (const component of ['transformer', 'transformer_2'] as const) {
    const present = `${component}/config.json` in configs;
    if (present) writeShards(join(folder, component), 'diffusion_pytorch_model', transformer, dtype);
  }
  const text = textEncoderTensors(parseTextEncoderConfig(configs['text_encoder/config.json']));
  writeShards(join(folder, 'text_encoder'), 'model', [...text], dtype);
  const vae = [...vaeEncoderTensors(), ...vaeDecoderTensors(parseVaeConfig(configs['vae/config.json']))];
  writeSparseFile(join(folder, 'vae/diffusion_pytorch_model.safetensors'), vae, dtype);
}

function writeJson(path: string, value: unknown): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, JSON.stringify(value, null, 2));
}

function writeShards(folder: string, base: string, tensors: readonly Shape[], dtype: FloatType): void {
  const bytesOf = ([, shape]: Shape) => elementCount(shape) * bytesPerElement(dtype);
  const shards: Shape[][] = [[]];
  let room = SHARD_BYTES;
  for (const tensor of tensors) {
    if (bytesOf(tensor) > room) {
      shards.push([]);
      room = SHARD_BYTES;
    }
    room -= bytesOf(tensor);
    shards.at(-1)!.push(tensor);
  }
  const number = (index: number) => String(index).padStart(5, '0');
  const names = shards.map((_, at) => `${base}-${number(at + 1)}-of-${number(shards.length)}.safetensors`);
  const sizes = shards.map((shard, at) => writeSparseFile(join(folder, names[at]!), shard, dtype));
  writeJson(join(folder, `${base}.safetensors.index.json`), {
    metadata: { total_size: sizes.reduce((sum, size) => sum + size, 0) },
    weight_map: Object.fromEntries(shards.flatMap((shard, at) => shard.map(([name]) => [name, names[at]]))),
  });
}
