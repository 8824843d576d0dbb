import type { VaeConfig } from './config.ts';
import { vaeBlocks } from './tensor-names.ts';

/**
 * A link of the decoder's chain: each reads what the one before has made, and nothing else but its own states. Between two of them the
 * decoder may be cut, its parts on several devices.
 */
export interface VaeUnit {
  readonly kind: 'entry' | 'resnet' | 'attention' | 'enlargement' | 'exit';
  /** Of its tensors in the checkpoint; of entry and exit that of their convolution of three dimensions. */
  readonly name: string;
  /** Channels that come in, and that go out. */
  readonly from: number;
  readonly to: number;
  /** Size of what comes in: height and width in those of the latent, and frames of a latent after the film's first. */
  readonly scale: number;
  readonly frames: number;
  /** Of an enlargement: in height and width, or in time, too. */
  readonly upsample: '2d' | '3d' | 'none';
}

/** Consecutive units `[firstUnit, endUnit)` of a decoder. */
export interface UnitRange {
  readonly firstUnit: number;
  readonly endUnit: number;
}

/** All units of a decoder in order: 20 in Wan's. */
export function vaeUnits(config: VaeConfig): readonly VaeUnit[] {
  const blocks = vaeBlocks(config);
  const top = blocks[0]!.from;
  const last = blocks.at(-1)!.to;
  const units: VaeUnit[] = [];
  let scale = 1;
  let frames = 1;
  const add = (kind: VaeUnit['kind'], name: string, from: number, to: number, upsample: VaeUnit['upsample'] = 'none') =>
    void units.push({ kind, name, from, to, scale, frames, upsample });
  add('entry', 'decoder.conv_in', config.latentChannels, top);
  add('resnet', 'decoder.mid_block.resnets.0', top, top);
  add('attention', 'decoder.mid_block.attentions.0', top, top);
  add('resnet', 'decoder.mid_block.resnets.1', top, top);
  for (const { name, from, to, upsample } of blocks) {
    for (let index = 0; index <= config.residualBlocks; index++) {
      add('resnet', `${name}.resnets.${index}`, index === 0 ? from : to, to);
    }
    if (upsample === 'none') continue;
    add('enlargement', `${name}.upsamplers.0`, to, to / 2, upsample);
    scale *= 2;
    if (upsample === '3d') frames *= 2;
  }
  add('exit', 'decoder.conv_out', last, 3);
  return units;
}

/** The decoder in one piece. */
export function allUnits(config: VaeConfig): UnitRange {
  return { firstUnit: 0, endUnit: vaeUnits(config).length };
}
