import type { FloatType } from '../tensor.ts';
import type { Edge, GraphBuilder } from './graph.ts';
import { binary, reshape, scalar, silu, transpose } from './ops.ts';

/** Sizes of a video within the decoder: T frames of C channels, h × w each. */
export interface VideoSize {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** A convolution over time: kernel of 3 frames by `side` × `side` pixels, stored as `<name>.weight [to, from, 3, side, side]`. */
export interface TimeConvolution {
  readonly name: string;
  readonly to: number;
  readonly side: 1 | 3;
  readonly dtype: FloatType;
}

/** Frames before its own that a convolution over time sees: what the decoder keeps of its input. */
export const STATE_FRAMES = 2;
export const LEAST_NORM = 1e-12;

/** How a video lies in memory, and what is computed otherwise for that. */
export interface VideoForm {
  shapeOf(size: VideoSize): readonly number[];
  sizeOf(x: Edge): VideoSize;
  /** The axis along which frames follow one another. */
  readonly frameAxis: number;
  /** Each new frame convolved with the two before it: `seen` is {@link STATE_FRAMES} frames that came before, then the new ones. */
  overTime(g: GraphBuilder, seen: Edge, convolution: TimeConvolution): Edge;
  /**
   * The same as `[1, C, T, h, w]`. Nothing is turned for it at the end: the runtime moves such an operation behind all others, and
   * computes what leaves the graph in the order of its last ones (node-order.ts).
   */
  planesOverTime(g: GraphBuilder, seen: Edge, convolution: TimeConvolution): Edge;
  /** `x / max(‖x‖ over the channels, 1e-12)`, in float32. */
  unit(g: GraphBuilder, x: Edge): Edge;
  /** `x · σ(x)`. */
  silu(g: GraphBuilder, x: Edge): Edge;
  /** Every pixel doubled in height and width, then each frame convolved by `<name>.weight [to, from, 3, 3]`. */
  enlarged(g: GraphBuilder, x: Edge, name: string, to: number): Edge;
  /** Twice as many frames from twice as many channels: of each frame's halves the first one comes first. */
  unfold(g: GraphBuilder, x: Edge): Edge;
  /** A latent `[1, C, 1, h, w]` as a video of one frame. */
  fromLatent(g: GraphBuilder, latent: Edge): Edge;
}

type PlaneShape = readonly [number, number, number, number, number];

/** A channel's frames lie together, `[1, C, T, h, w]`, and convolutions have three dimensions: as in the checkpoint. */
export const planeForm: VideoForm = {
  shapeOf: ({ channels, frames, height, width }) => [1, channels, frames, height, width],
  sizeOf(x) {
    const [, channels, frames, height, width] = x.shape as PlaneShape;
    return { channels, frames, height, width };
  },
  frameAxis: 2,
  overTime: convolutionOverTime,
  planesOverTime: convolutionOverTime,
  unit(g, x) {
    const axes = g.constant(BigInt64Array.of(1n), 'I64', [1]);
    const norm = g.node('ReduceL2', [x, axes], { dtype: 'F32', shape: x.shape.with(1, 1) }, { keepdims: 1n });
    return binary(g, 'Div', x, binary(g, 'Max', norm, scalar(g, LEAST_NORM)));
  },
  silu,
  enlarged(g, x, name, to) {
    const [, from, frames, height, width] = x.shape as PlaneShape;
    const images = reshape(g, transpose(g, x, [0, 2, 1, 3, 4]), [frames, from, height, width]);
    const scales = g.constant(Float32Array.of(1, 1, 2, 2), 'F32', [4]);
    const large = { dtype: x.dtype, shape: [frames, from, 2 * height, 2 * width] } as const;
    const modes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    const resized = g.node('Resize', [images, null, scales], large, modes);
    const dtype = x.dtype as FloatType;
    const inputs = [
      resized,
      g.weight(`${name}.weight`, [to, from, 3, 3], dtype),
      g.weight(`${name}.bias`, [to], dtype),
    ];
    const y = g.node('Conv', inputs, { dtype, shape: large.shape.with(1, to) }, { pads: [1n, 1n, 1n, 1n] });
    return transpose(g, reshape(g, y, [1, ...large.shape.with(1, to)]), [0, 2, 1, 3, 4]);
  },
  unfold(g, x) {
    const { channels, frames, height, width } = planeForm.sizeOf(x);
    const half = channels / 2;
    const pairs = transpose(g, reshape(g, x, [2, half, frames, height, width]), [1, 2, 0, 3, 4]);
    return reshape(g, pairs, [1, half, 2 * frames, height, width]);
  },
  fromLatent: (_, latent) => latent,
};

/** A convolution of three dimensions over `seen [1, C, T + 2, h, w]`. */
export function convolutionOverTime(g: GraphBuilder, seen: Edge, { name, to, side, dtype }: TimeConvolution): Edge {
  const { channels, frames, height, width } = planeForm.sizeOf(seen);
  const pad = side === 3 ? 1n : 0n;
  const weight = g.weight(`${name}.weight`, [to, channels, 3, side, side], dtype);
  const inputs = [seen, weight, g.weight(`${name}.bias`, [to], dtype)];
  const shape = planeForm.shapeOf({ channels: to, frames: frames - STATE_FRAMES, height, width });
  return g.node('Conv', inputs, { dtype, shape }, { pads: [0n, pad, pad, 0n, pad, pad] });
}
