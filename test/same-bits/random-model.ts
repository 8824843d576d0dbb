import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillNormals, STREAMS } from '../../runner/diffusion/random.ts';
import type { TransformerConfig } from '../../runner/model/config.ts';
import { transformerTensors } from '../../runner/model/tensor-names.ts';
import type { PipelineModel } from '../../runner/pipeline/stage-task.ts';
import { elementCount } from '../../runner/tensor.ts';
import { type ComponentWeights, openWeights } from '../../runner/weights/shards.ts';
import { tinyModel } from './inputs.ts';

/** Sizes of a transformer that differ from the reference's. */
export type TransformerSizes = Pick<TransformerConfig, 'layers' | 'heads' | 'headWidth' | 'feedForwardWidth'>;

const BASE = 'diffusion_pytorch_model';

/**
 * A model of any size with random weights, written as a stock safetensors file under `folder`: matrices scaled by their
 * width and vectors near one or zero, so that numbers neither vanish nor explode.
 */
export function randomModel(folder: string, sizes: TransformerSizes): PipelineModel {
  const { config } = tinyModel();
  const transformer: TransformerConfig = { ...config.transformer, ...sizes, width: sizes.heads * sizes.headWidth };
  return { config: { ...config, transformer }, transformer: writeWeights(folder, transformer), transformer2: null };
}

function writeWeights(folder: string, config: TransformerConfig): ComponentWeights {
  mkdirSync(join(folder, 'transformer'), { recursive: true });
  const header: Record<string, unknown> = {};
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [index, [name, shape]] of [...transformerTensors(config)].entries()) {
    const values = new Float32Array(elementCount(shape));
    fillNormals(values, 1, STREAMS.noise, index);
    const fanIn = elementCount(shape.slice(1));
    const isScale = name.includes('norm') && name.endsWith('weight');
    for (let at = 0; at < values.length; at++) {
      values[at] = isScale ? 1 + 0.1 * values[at]! : (shape.length === 1 ? 0.1 : 1 / Math.sqrt(fanIn)) * values[at]!;
    }
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
    parts.push(Buffer.from(values.buffer));
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(folder, 'transformer', `${BASE}.safetensors`), Buffer.concat([length, text, ...parts]));
  return openWeights(folder, 'transformer', BASE);
}
