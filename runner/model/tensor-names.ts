import type { TextEncoderConfig, TransformerConfig, VaeConfig } from './config.ts';

/** Shapes of stored tensors by their names in the Diffusers layout. */
export type TensorShapes = ReadonlyMap<string, readonly number[]>;
type Entries = [string, readonly number[]][];

const affine = (name: string, shape: readonly number[]): Entries => [
  [`${name}.weight`, shape],
  [`${name}.bias`, shape.slice(0, 1)],
];

/** All tensors of a transformer: 27 per layer and 15 outside (docs/wan.md#transformer-tensors). */
export function transformerTensors(config: TransformerConfig): TensorShapes {
  const { width: D, latentChannels: C, textWidth, timeWidth } = config;
  const embedder = 'condition_embedder';
  return new Map([
    ...affine('patch_embedding', [D, C, 1, 2, 2]),
    ...affine(`${embedder}.time_embedder.linear_1`, [D, timeWidth]),
    ...affine(`${embedder}.time_embedder.linear_2`, [D, D]),
    ...affine(`${embedder}.time_proj`, [6 * D, D]),
    ...affine(`${embedder}.text_embedder.linear_1`, [D, textWidth]),
    ...affine(`${embedder}.text_embedder.linear_2`, [D, D]),
    ...Array.from({ length: config.layers }, (_, layer) => layerTensors(config, layer)).flat(),
    ['scale_shift_table', [1, 2, D]],
    ...affine('proj_out', [C * 4, D]),
  ]);
}

/** The tensors of one transformer layer. */
export function layerTensors(config: TransformerConfig, layer: number): Entries {
  const { width: D, feedForwardWidth } = config;
  const block = `blocks.${layer}`;
  const attention = ['attn1', 'attn2'].flatMap(
    (name): Entries => [
      ...['to_q', 'to_k', 'to_v', 'to_out.0'].flatMap((part) => affine(`${block}.${name}.${part}`, [D, D])),
      [`${block}.${name}.norm_q.weight`, [D]],
      [`${block}.${name}.norm_k.weight`, [D]],
    ],
  );
  return [
    [`${block}.scale_shift_table`, [1, 6, D]],
    ...attention,
    ...affine(`${block}.norm2`, [D]),
    ...affine(`${block}.ffn.net.0.proj`, [feedForwardWidth, D]),
    ...affine(`${block}.ffn.net.2`, [D, feedForwardWidth]),
  ];
}

/** All tensors of the text encoder (docs/wan.md#text-encoder); `shared.weight` may be stored as {@link EMBEDDING_ALIAS}. */
export function textEncoderTensors(config: TextEncoderConfig): TensorShapes {
  const { width, feedForwardWidth: ff, vocabulary, buckets, heads } = config;
  const inner = heads * config.headWidth;
  const block = (index: number): Entries => {
    const name = `encoder.block.${index}`;
    return [
      [`${name}.layer.0.layer_norm.weight`, [width]],
      ...['q', 'k', 'v'].map((part): Entries[number] => [
        `${name}.layer.0.SelfAttention.${part}.weight`,
        [inner, width],
      ]),
      [`${name}.layer.0.SelfAttention.o.weight`, [width, inner]],
      [`${name}.layer.0.SelfAttention.relative_attention_bias.weight`, [buckets, heads]],
      [`${name}.layer.1.layer_norm.weight`, [width]],
      [`${name}.layer.1.DenseReluDense.wi_0.weight`, [ff, width]],
      [`${name}.layer.1.DenseReluDense.wi_1.weight`, [ff, width]],
      [`${name}.layer.1.DenseReluDense.wo.weight`, [width, ff]],
    ];
  };
  return new Map([
    [EMBEDDING, [vocabulary, width]],
    ...Array.from({ length: config.layers }, (_, index) => block(index)).flat(),
    ['encoder.final_layer_norm.weight', [width]],
  ]);
}

export const EMBEDDING = 'shared.weight';
export const EMBEDDING_ALIAS = 'encoder.embed_tokens.weight';

/** Tensors of the decoder half of the video autoencoder (docs/wan.md#decoder-tensors); the encoder's are neither needed nor checked. */
export function vaeDecoderTensors(config: VaeConfig): TensorShapes {
  const { latentChannels: C } = config;
  const blocks = vaeBlocks(config);
  const top = blocks[0]!.from;
  const last = blocks.at(-1)!.to;
  const resnet = (name: string, from: number, to: number): Entries => [
    [`${name}.norm1.gamma`, [from, 1, 1, 1]],
    ...affine(`${name}.conv1`, [to, from, 3, 3, 3]),
    [`${name}.norm2.gamma`, [to, 1, 1, 1]],
    ...affine(`${name}.conv2`, [to, to, 3, 3, 3]),
    ...(from === to ? [] : affine(`${name}.conv_shortcut`, [to, from, 1, 1, 1])),
  ];
  const upBlock = (block: VaeBlock): Entries => [
    ...Array.from({ length: config.residualBlocks + 1 }, (_, index) =>
      resnet(`${block.name}.resnets.${index}`, index === 0 ? block.from : block.to, block.to),
    ).flat(),
    ...(block.upsample === 'none'
      ? []
      : affine(`${block.name}.upsamplers.0.resample.1`, [block.to / 2, block.to, 3, 3])),
    ...(block.upsample === '3d'
      ? affine(`${block.name}.upsamplers.0.time_conv`, [2 * block.to, block.to, 3, 1, 1])
      : []),
  ];
  return new Map([
    ...affine('post_quant_conv', [C, C, 1, 1, 1]),
    ...affine('decoder.conv_in', [top, C, 3, 3, 3]),
    ...resnet('decoder.mid_block.resnets.0', top, top),
    ['decoder.mid_block.attentions.0.norm.gamma', [top, 1, 1]],
    ...affine('decoder.mid_block.attentions.0.to_qkv', [3 * top, top, 1, 1]),
    ...affine('decoder.mid_block.attentions.0.proj', [top, top, 1, 1]),
    ...resnet('decoder.mid_block.resnets.1', top, top),
    ...blocks.flatMap(upBlock),
    ['decoder.norm_out.gamma', [last, 1, 1, 1]],
    ...affine('decoder.conv_out', [3, last, 3, 3, 3]),
  ]);
}

/** One up-block of the decoder: channels in and inside, and how its end enlarges (which also halves the channels). */
export interface VaeBlock {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly upsample: '3d' | '2d' | 'none';
}

/** The decoder's up-blocks, from the smallest picture to the largest. */
export function vaeBlocks(config: VaeConfig): readonly VaeBlock[] {
  const widths = [config.multipliers.at(-1)!, ...config.multipliers.toReversed()].map((m) => m * config.baseWidth);
  const temporal = config.temporal.toReversed();
  return config.multipliers.map((_, index) => ({
    name: `decoder.up_blocks.${index}`,
    // The enlargement at the end of the block before has halved its channels.
    from: index === 0 ? widths[0]! : widths[index]! / 2,
    to: widths[index + 1]!,
    upsample: index === temporal.length ? 'none' : temporal[index] ? '3d' : '2d',
  }));
}
