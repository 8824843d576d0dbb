import type { Shape } from './sparse-file.ts';

/** Channels in and out of the encoder's residual blocks, and after which of them the picture is halved (in time too). */
const DOWN_BLOCKS = [
  { resnet: [96, 96] },
  { resnet: [96, 96] },
  { half: 96 },
  { resnet: [96, 192] },
  { resnet: [192, 192] },
  { half: 192, time: true },
  { resnet: [192, 384] },
  { resnet: [384, 384] },
  { half: 384, time: true },
  { resnet: [384, 384] },
  { resnet: [384, 384] },
] as const;

/** The half of the published video autoencoder that films do not need, as its file has it: 86 of the 194 tensors. */
export function vaeEncoderTensors(): readonly Shape[] {
  return [
    ...affine('encoder.conv_in', [96, 3, 3, 3, 3]),
    ...DOWN_BLOCKS.flatMap((block, index) => {
      const name = `encoder.down_blocks.${index}`;
      if ('resnet' in block) return resnet(name, block.resnet[0], block.resnet[1]);
      const { half } = block;
      return [
        ...affine(`${name}.resample.1`, [half, half, 3, 3]),
        ...('time' in block ? affine(`${name}.time_conv`, [half, half, 3, 1, 1]) : []),
      ];
    }),
    ['encoder.mid_block.attentions.0.norm.gamma', [384, 1, 1]],
    ...affine('encoder.mid_block.attentions.0.to_qkv', [1152, 384, 1, 1]),
    ...affine('encoder.mid_block.attentions.0.proj', [384, 384, 1, 1]),
    ...resnet('encoder.mid_block.resnets.0', 384, 384),
    ...resnet('encoder.mid_block.resnets.1', 384, 384),
    ['encoder.norm_out.gamma', [384, 1, 1, 1]],
    ...affine('encoder.conv_out', [32, 384, 3, 3, 3]),
    ...affine('quant_conv', [32, 32, 1, 1, 1]),
  ];
}

function affine(name: string, shape: readonly number[]): readonly Shape[] {
  return [
    [`${name}.weight`, shape],
    [`${name}.bias`, shape.slice(0, 1)],
  ];
}

function resnet(name: string, from: number, to: number): readonly Shape[] {
  return [
    [`${name}.norm1.gamma`, [from, 1, 1, 1]],
    ...affine(`${name}.conv1`, [to, from, 3, 3, 3]),
    [`${name}.norm2.gamma`, [to, 1, 1, 1]],
    ...affine(`${name}.conv2`, [to, to, 3, 3, 3]),
    ...(from === to ? [] : affine(`${name}.conv_shortcut`, [to, from, 1, 1, 1])),
  ];
}
