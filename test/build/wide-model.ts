import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parseTextEncoderConfig,
  parseTransformerConfig,
  parseVaeConfig,
} from '../../runner/model/component-configs.ts';
import { textEncoderTensors, transformerTensors, vaeDecoderTensors } from '../../runner/model/tensor-names.ts';
import type { FloatType } from '../../runner/tensor.ts';
import { CONFIGS } from '../full-size/published-configs.ts';
import { type Shape, writeSparseFile } from '../full-size/sparse-file.ts';
import { vaeEncoderTensors } from '../full-size/vae-encoder-tensors.ts';

/** Widths of Wan 2.1's transformer of 1.3 billion parameters. */
const WIDE = { num_attention_heads: 12, attention_head_dim: 128, ffn_dim: 8960 };
/** A text encoder of some weight: a quarter of UMT5-XXL's width, and a third of its layers. */
const WIDE_TEXT = { d_model: 1024, d_ff: 2816, d_kv: 64, num_heads: 16, num_layers: 8 };

/** A wide model: how many layers, what its files' numbers are, and whether its text encoder is wide, too. */
export interface WideModel {
  readonly layers: number;
  readonly dtype?: FloatType;
  readonly wideText?: boolean;
}

/** Copies a model folder and gives its transformer the width of 1.3 billion parameters, as a file with holes for weights. */
export function wideModel(
  source: string,
  target: string,
  { layers, dtype = 'F32', wideText = false }: WideModel,
): void {
  cpSync(source, target, { recursive: true });
  const text = wideText ? WIDE_TEXT : {};
  const textDim = wideText ? { text_dim: WIDE_TEXT.d_model } : {};
  const transformer = join(target, 'transformer');
  const config = changed(join(transformer, 'config.json'), { ...WIDE, ...textDim, num_layers: layers });
  const write = (file: string, tensors: Iterable<Shape>) => writeSparseFile(file, [...tensors], dtype);
  write(join(transformer, 'diffusion_pytorch_model.safetensors'), transformerTensors(parseTransformerConfig(config)));
  if (!wideText) return;
  const encoder = join(target, 'text_encoder');
  const textConfig = changed(join(encoder, 'config.json'), text);
  write(join(encoder, 'model.safetensors'), textEncoderTensors(parseTextEncoderConfig(textConfig)));
}

/** Copies a model folder and gives it Wan's own decoder, as a file with holes for weights. */
export function wanDecoder(source: string, target: string): void {
  cpSync(source, target, { recursive: true });
  const config = CONFIGS['Wan2.1-T2V-1.3B']['vae/config.json'];
  writeFileSync(join(target, 'vae/config.json'), JSON.stringify(config));
  const tensors = [...vaeEncoderTensors(), ...vaeDecoderTensors(parseVaeConfig(config))];
  writeSparseFile(join(target, 'vae/diffusion_pytorch_model.safetensors'), tensors, 'F32');
}

/** Writes changes into a JSON file, and gives what it holds now. */
function changed(file: string, changes: object): unknown {
  const content = { ...JSON.parse(readFileSync(file, 'utf8')), ...changes };
  writeFileSync(file, JSON.stringify(content));
  return content;
}

/** Copies a model folder and gives it a second transformer, for the steps of less noise: the same one again. */
export function twoExperts(source: string, target: string): void {
  cpSync(source, target, { recursive: true });
  cpSync(join(source, 'transformer'), join(target, 'transformer_2'), { recursive: true });
  const expert = ['diffusers', 'WanTransformer3DModel'];
  changed(join(target, 'model_index.json'), { boundary_ratio: 0.875, transformer_2: expert });
}
