import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTransformerConfig } from '../../runner/model/component-configs.ts';
import { transformerTensors } from '../../runner/model/tensor-names.ts';
import type { FloatType } from '../../runner/tensor.ts';
import { writeSparseFile } from '../full-size/sparse-file.ts';

/** Widths of Wan 2.1's transformer of 1.3 billion parameters. */
const WIDE = { num_attention_heads: 12, attention_head_dim: 128, ffn_dim: 8960 };

/** Copies a model folder and gives its transformer the width of 1.3 billion parameters in `layers` layers, as a file with holes for weights. */
export function wideModel(source: string, target: string, layers: number, dtype: FloatType = 'F32'): void {
  cpSync(source, target, { recursive: true });
  const file = join(target, 'transformer/config.json');
  const config = { ...JSON.parse(readFileSync(file, 'utf8')), ...WIDE, num_layers: layers };
  writeFileSync(file, JSON.stringify(config));
  const tensors = [...transformerTensors(parseTransformerConfig(config))];
  writeSparseFile(join(target, 'transformer/diffusion_pytorch_model.safetensors'), tensors, dtype);
}
