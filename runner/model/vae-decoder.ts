import type { FloatType } from '../tensor.ts';
import type { VaeConfig } from './config.ts';
import { type Edge, type Graph, type GraphBuilder, graphBuilder, type TensorIndex } from './graph.ts';
import type { Axis } from './onnx.ts';
import { attention, binary, type Compute, cast, concat, reshape, scalar, silu, slice, transpose } from './ops.ts';
import { type VaeBlock, vaeBlocks } from './tensor-names.ts';

/** Which latent of the film a chunk decodes: the first one gives one frame, each later one four (docs/wan.md#video-decoder). */
export type ChunkKind = 'first' | 'steady';

type ChunkType = Exclude<FloatType, 'BF16'>;

/** Height and width of the latents, and the device's fused attention. */
export interface ChunkOptions {
  readonly kind: ChunkKind;
  readonly height: number;
  readonly width: number;
  readonly attention: Compute['attention'];
  /**
   * Number format of convolutions, attention and states; float32 unless said, as in Diffusers. Norms are float32 always. There
   * is no bfloat16: devices have no kernels for all of these operations in it.
   */
  readonly dtype?: ChunkType;
  /** Leave values beyond [−1, 1] as they are, for pictures that are blended or checked first. */
  readonly unlimited?: boolean;
}

/** A state that the decoder carries from one chunk to the next: the last two frames that a convolution saw. */
export interface VaeState {
  /** Name of its convolution. It enters a graph as `state.<name>` and leaves it as `next.<name>`. */
  readonly name: string;
  readonly shape: readonly number[];
}

const STATE_FRAMES = 2;

/**
 * Decodes one latent frame. In: `latent [1, C, 1, H, W]` as the sampler leaves it, and in a steady chunk `state.<name>`
 * for every state; out: `frames [1, 3, T, 8H, 8W]` in [−1, 1] with T = 1 or 4, and `next.<name>` for every state. Before
 * the first chunk all states are zero, so it takes none. Latent and frames are float32, states of the compute type.
 */
export function vaeChunkGraph(config: VaeConfig, tensors: TensorIndex, options: ChunkOptions): Graph {
  const g = graphBuilder(`vae ${options.kind}`, tensors);
  const { latentChannels: C } = config;
  const chunk: Chunk = { g, options, dtype: options.dtype ?? 'F32' };
  const latent = g.input('latent', 'F32', [1, C, 1, options.height, options.width]);
  const perChannel = (values: readonly number[]) => g.constant(Float32Array.from(values), 'F32', [1, C, 1, 1, 1]);
  const scaled = binary(g, 'Add', binary(g, 'Mul', latent, perChannel(config.std)), perChannel(config.mean));
  const blocks = vaeBlocks(config);
  const top = blocks[0]!.from;
  const last = blocks.at(-1)!.to;

  let x = pointwise(chunk, cast(g, scaled, chunk.dtype), 'post_quant_conv', C);
  x = causal(chunk, x, 'decoder.conv_in', top);
  x = resnet(chunk, x, 'decoder.mid_block.resnets.0', top);
  x = midAttention(chunk, x, 'decoder.mid_block.attentions.0');
  x = resnet(chunk, x, 'decoder.mid_block.resnets.1', top);
  for (const block of blocks) {
    for (let index = 0; index <= config.residualBlocks; index++) {
      x = resnet(chunk, x, `${block.name}.resnets.${index}`, block.to);
    }
    if (block.upsample !== 'none') x = upsample(chunk, x, block);
  }
  x = causal(chunk, silu(g, channelNorm(chunk, x, 'decoder.norm_out', [last, 1, 1, 1])), 'decoder.conv_out', 3);
  const frames = cast(g, x, 'F32');
  g.output('frames', options.unlimited === true ? frames : limited(g, frames));
  return g.finish();
}

function limited(g: GraphBuilder, x: Edge): Edge {
  return g.node('Clip', [x, scalar(g, -1), scalar(g, 1)], { dtype: 'F32', shape: x.shape });
}

/** All states of the decoder for latents of a size, in the order in which the graph meets them. */
export function vaeStates(config: VaeConfig, tensors: TensorIndex, height: number, width: number): readonly VaeState[] {
  const options: ChunkOptions = { kind: 'steady', height, width, attention: 'cpu' };
  const { inputs } = vaeChunkGraph(config, tensors, options);
  const states = inputs.filter((input) => input.name.startsWith('state.'));
  return states.map(({ name, shape }) => ({ name: name.slice('state.'.length), shape: shape as readonly number[] }));
}

interface Chunk {
  readonly g: GraphBuilder;
  readonly options: ChunkOptions;
  readonly dtype: ChunkType;
}

type VideoShape = readonly [number, number, number, number, number];

/** The frames so far after the two of the state, zero at first; and the last two of them as the next state. */
function withState({ g, options, dtype }: Chunk, x: Edge, name: string): Edge {
  const [, channels, frames, height, width] = x.shape as VideoShape;
  const shape = [1, channels, STATE_FRAMES, height, width];
  const state = options.kind === 'steady' ? g.input(`state.${name}`, dtype, shape) : zeroFrames(g, dtype, shape);
  const seen = concat(g, [state, x], 2, STATE_FRAMES + frames);
  g.output(`next.${name}`, slice(g, seen, 2, frames, STATE_FRAMES + frames));
  return seen;
}

function zeroFrames(g: GraphBuilder, dtype: ChunkType, shape: readonly number[]): Edge {
  const size = g.constant(BigInt64Array.from(shape, BigInt), 'I64', [shape.length]);
  return cast(g, g.node('ConstantOfShape', [size], { dtype: 'F32', shape }), dtype);
}

/** Convolution that sees two frames back in time: kernel 3 × 3 × 3. */
function causal(chunk: Chunk, x: Edge, name: string, to: number): Edge {
  const [, from, frames, height, width] = x.shape as VideoShape;
  const result = [1, to, frames, height, width];
  return conv(chunk, withState(chunk, x, name), name, [to, from, 3, 3, 3], result, [0n, 1n, 1n, 0n, 1n, 1n]);
}

function conv(
  { g, dtype }: Chunk,
  x: Edge,
  name: string,
  kernel: readonly number[],
  result: readonly Axis[],
  pads: readonly bigint[],
): Edge {
  const inputs = [x, g.weight(`${name}.weight`, kernel, dtype), g.weight(`${name}.bias`, kernel.slice(0, 1), dtype)];
  return g.node('Conv', inputs, { dtype, shape: result }, { pads });
}

/** Convolution of one pixel: kernel 1 × 1 × 1. */
function pointwise(chunk: Chunk, x: Edge, name: string, to: number): Edge {
  const from = x.shape[1] as number;
  return conv(chunk, x, name, [to, from, 1, 1, 1], x.shape.with(1, to), [0n, 0n, 0n, 0n, 0n, 0n]);
}

/** `x / max(‖x‖ over the channels, 1e-12) · √channels · gamma`, in float32. */
function channelNorm({ g, dtype }: Chunk, input: Edge, name: string, gammaShape: readonly number[]): Edge {
  const x = cast(g, input, 'F32');
  const channels = x.shape[1] as number;
  const axes = g.constant(BigInt64Array.of(1n), 'I64', [1]);
  const norm = g.node('ReduceL2', [x, axes], { dtype: 'F32', shape: x.shape.with(1, 1) }, { keepdims: 1n });
  const unit = binary(g, 'Div', x, binary(g, 'Max', norm, scalar(g, 1e-12)));
  const gamma = g.weight(`${name}.gamma`, gammaShape, 'F32', [channels, ...x.shape.slice(2).map(() => 1)]);
  return cast(g, binary(g, 'Mul', unit, binary(g, 'Mul', gamma, scalar(g, Math.sqrt(channels)))), dtype);
}

function resnet(chunk: Chunk, x: Edge, name: string, to: number): Edge {
  const { g } = chunk;
  const from = x.shape[1] as number;
  const inner = silu(g, channelNorm(chunk, x, `${name}.norm1`, [from, 1, 1, 1]));
  const middle = causal(chunk, inner, `${name}.conv1`, to);
  const outer = silu(g, channelNorm(chunk, middle, `${name}.norm2`, [to, 1, 1, 1]));
  const y = causal(chunk, outer, `${name}.conv2`, to);
  return binary(g, 'Add', y, from === to ? x : pointwise(chunk, x, `${name}.conv_shortcut`, to));
}

/** Attention among the pixels of the one frame, with a single head. */
function midAttention(chunk: Chunk, x: Edge, name: string): Edge {
  const { g, options } = chunk;
  const [, channels, , height, width] = x.shape as VideoShape;
  const image = reshape(g, x, [1, channels, height, width]);
  const normed = channelNorm(chunk, image, `${name}.norm`, [channels, 1, 1]);
  const none = [0n, 0n, 0n, 0n];
  const kernel = [3 * channels, channels, 1, 1];
  const qkv = conv(chunk, normed, `${name}.to_qkv`, kernel, [1, 3 * channels, height, width], none);
  const rows = transpose(g, reshape(g, qkv, [1, 3 * channels, height * width]), [0, 2, 1]);
  const [q, k, v] = g.split(rows, 2, 3) as [Edge, Edge, Edge];
  const mixed = transpose(g, attention(g, q, k, v, 1, options.attention), [0, 2, 1]);
  const picture = reshape(g, mixed, [1, channels, height, width]);
  const out = conv(chunk, picture, `${name}.proj`, [channels, channels, 1, 1], [1, channels, height, width], none);
  return binary(g, 'Add', reshape(g, out, x.shape), x);
}

/** Twice as high and wide with half the channels and, for `3d` after the first chunk, twice as many frames. */
function upsample(chunk: Chunk, x: Edge, block: VaeBlock): Edge {
  const { g } = chunk;
  const name = `${block.name}.upsamplers.0`;
  const longer = block.upsample === '3d' ? doubleFrames(chunk, x, `${name}.time_conv`) : x;
  const [, channels, frames, height, width] = longer.shape as VideoShape;
  const images = reshape(g, transpose(g, longer, [0, 2, 1, 3, 4]), [frames, channels, height, width]);
  const scales = g.constant(Float32Array.of(1, 1, 2, 2), 'F32', [4]);
  const large = { dtype: x.dtype, shape: [frames, channels, 2 * height, 2 * width] } as const;
  const modes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  const resized = g.node('Resize', [images, null, scales], large, modes);
  const half = channels / 2;
  const kernel = [half, channels, 3, 3];
  const shape = [frames, half, 2 * height, 2 * width];
  const y = conv(chunk, resized, `${name}.resample.1`, kernel, shape, [1n, 1n, 1n, 1n]);
  return transpose(g, reshape(g, y, [1, ...shape]), [0, 2, 1, 3, 4]);
}

/**
 * Two frames from each by a convolution over time alone; the halves of its channels are the even and the odd frames. The
 * first chunk skips it, and leaves its state zero.
 */
function doubleFrames(chunk: Chunk, x: Edge, name: string): Edge {
  const { g, options, dtype } = chunk;
  const [, channels, frames, height, width] = x.shape as VideoShape;
  if (options.kind === 'first') {
    g.output(`next.${name}`, zeroFrames(g, dtype, [1, channels, STATE_FRAMES, height, width]));
    return x;
  }
  const shape = [1, 2 * channels, frames, height, width];
  const seen = withState(chunk, x, name);
  const y = conv(chunk, seen, name, [2 * channels, channels, 3, 1, 1], shape, [0n, 0n, 0n, 0n, 0n, 0n]);
  const pairs = transpose(g, reshape(g, y, [2, channels, frames, height, width]), [1, 2, 0, 3, 4]);
  return reshape(g, pairs, [1, channels, 2 * frames, height, width]);
}
