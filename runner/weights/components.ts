import type { TextEncoderConfig, TransformerConfig, VaeConfig } from '../model/config.ts';
import {
  EMBEDDING,
  EMBEDDING_ALIAS,
  type TensorShapes,
  textEncoderTensors,
  transformerTensors,
  vaeDecoderTensors,
} from '../model/tensor-names.ts';

/** A component that has weights: where its files lie, and which tensors its config asks for. */
export interface Component {
  /** Folder of the model folder, which also names the component in messages. */
  readonly folder: string;
  /** Name of its safetensors files up to the first dot. */
  readonly base: string;
  readonly tensors: TensorShapes;
  /** Other names that a tensor may be stored under: alias → name. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Tensors that may be stored besides. */
  ignored(tensor: string): boolean;
}

/** Name of the safetensors files of each component, up to the first dot. */
export const BASES = {
  transformer: 'diffusion_pytorch_model',
  transformer_2: 'diffusion_pytorch_model',
  text_encoder: 'model',
  vae: 'diffusion_pytorch_model',
} as const;

const NONE: ReadonlyMap<string, string> = new Map();

export function transformerComponent(
  config: TransformerConfig,
  folder: 'transformer' | 'transformer_2' = 'transformer',
): Component {
  // Some checkpoints carry a norm that no published model computes with.
  const ignored = (tensor: string) => tensor.endsWith('.norm_added_q.weight');
  return { folder, base: BASES[folder], tensors: transformerTensors(config), aliases: NONE, ignored };
}

export function textEncoderComponent(config: TextEncoderConfig): Component {
  const tensors = textEncoderTensors(config);
  const aliases = new Map([[EMBEDDING_ALIAS, EMBEDDING]]);
  return { folder: 'text_encoder', base: BASES.text_encoder, tensors, aliases, ignored: () => false };
}

/** The decoder half is all that films need; the encoder half may be there or not. */
export function vaeComponent(config: VaeConfig): Component {
  const ignored = (tensor: string) => /^(encoder|quant_conv)\./.test(tensor);
  return { folder: 'vae', base: BASES.vae, tensors: vaeDecoderTensors(config), aliases: NONE, ignored };
}
