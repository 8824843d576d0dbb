import type { FloatType } from '../tensor.ts';
import type { VaeConfig } from './config.ts';
import { frameForm } from './frame-form.ts';
import { type Edge, type Graph, type GraphBuilder, graphBuilder, type TensorIndex } from './graph.ts';
import { attention, binary, type Compute, cast, concat, reshape, scalar, slice, transpose } from './ops.ts';
import { allUnits, type UnitRange, type VaeUnit, vaeUnits } from './vae-units.ts';
import { planeForm, STATE_FRAMES, type VideoForm, type VideoSize } from './video-form.ts';

/** Which latent of the film a chunk decodes: the first one gives one frame, each later one four (docs/wan.md#video-decoder). */
export type ChunkKind = 'first' | 'steady';

/** Number formats that the decoder has graphs in. */
export type ChunkType = Exclude<FloatType, 'BF16'>;

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
  /** The part of the decoder; all of it unless said. */
  readonly units?: UnitRange;
}

/** A state that the decoder carries from one chunk to the next: the last two frames that a convolution saw. */
export interface VaeState {
  /** Name of its convolution. It enters a graph as `state.<name>` and leaves it as `next.<name>`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Decodes one latent frame. In: `latent [1, C, 1, H, W]` as the sampler leaves it, and in a steady chunk `state.<name>`
 * for every state; out: `frames [1, 3, T, 8H, 8W]` in [−1, 1] with T = 1 or 4, and `next.<name>` for every state. Before
 * the first chunk all states are zero, so it takes none. Latent and frames are float32, states of the compute type.
 *
 * A part of the decoder that does not begin it takes `hidden`, what the part before has left as `handed`, instead of the latent;
 * one that does not end it leaves that instead of frames ({@link hiddenShape}, of the compute type). It has its own units' states.
 */
export function vaeChunkGraph(config: VaeConfig, tensors: TensorIndex, options: ChunkOptions): Graph {
  const { firstUnit, endUnit } = options.units ?? allUnits(config);
  const units = vaeUnits(config);
  const g = graphBuilder(nameOf(options, units.length), tensors);
  const chunk: Chunk = { g, config, options, dtype: options.dtype ?? 'F32', form: formOf(config, options) };
  let x = firstUnit === 0 ? undefined : g.input('hidden', chunk.dtype, hiddenShape(config, options, firstUnit));
  for (const unit of units.slice(firstUnit, endUnit)) x = BUILD[unit.kind](chunk, x!, unit);
  if (endUnit < units.length) g.output('handed', x!);
  else g.output('frames', options.unlimited === true ? x! : limited(g, x!));
  return g.finish();
}

function nameOf({ kind, units }: ChunkOptions, count: number): string {
  const isPart = units !== undefined && (units.firstUnit > 0 || units.endUnit < count);
  return isPart ? `vae ${kind} ${units.firstUnit}–${units.endUnit - 1}` : `vae ${kind}`;
}

/** Shape of what goes into a unit, which is not the first, from the one before it. */
export function hiddenShape(
  config: VaeConfig,
  options: Pick<ChunkOptions, 'kind' | 'height' | 'width' | 'attention' | 'dtype'>,
  unit: number,
): readonly number[] {
  const { from, scale, frames } = vaeUnits(config)[unit]!;
  const size: VideoSize = {
    channels: from,
    frames: options.kind === 'first' ? 1 : frames,
    height: options.height * scale,
    width: options.width * scale,
  };
  return formOf(config, options).shapeOf(size);
}

type Build = (chunk: Chunk, x: Edge, unit: VaeUnit) => Edge;

/** The graph of each kind of unit. */
const BUILD: Readonly<Record<VaeUnit['kind'], Build>> = {
  entry(chunk, _, { name, from, to }) {
    const { g, config, options, dtype, form } = chunk;
    const latent = g.input('latent', 'F32', [1, from, 1, options.height, options.width]);
    const perChannel = (values: readonly number[]) => g.constant(Float32Array.from(values), 'F32', [1, from, 1, 1, 1]);
    const scaled = binary(g, 'Add', binary(g, 'Mul', latent, perChannel(config.std)), perChannel(config.mean));
    const x = pointwise(chunk, form.fromLatent(g, cast(g, scaled, dtype)), 'post_quant_conv', from, 3);
    return causal(chunk, x, name, to);
  },
  resnet: (chunk, x, { name, to }) => resnet(chunk, x, name, to),
  attention: (chunk, x, { name }) => midAttention(chunk, x, name),
  enlargement: upsample,
  exit(chunk, x, { name, from, to }) {
    const { g, dtype, form } = chunk;
    const normed = form.silu(g, channelNorm(chunk, x, 'decoder.norm_out', [from, 1, 1, 1]));
    const out = { name, to, side: 3, dtype } as const;
    return cast(g, form.planesOverTime(g, withState(chunk, normed, name), out), 'F32');
  },
};

function limited(g: GraphBuilder, x: Edge): Edge {
  return g.node('Clip', [x, scalar(g, -1), scalar(g, 1)], { dtype: 'F32', shape: x.shape });
}

/**
 * How far the runtime may rearrange these graphs: where frames are pictures, into blocks of channels, in which convolutions of
 * pictures are faster. There the decoder is not cut, so that nothing can be told from its numbers.
 */
export function vaeOptimization(
  config: Pick<VaeConfig, 'baseWidth'>,
  options: Pick<ChunkOptions, 'attention' | 'dtype'>,
): 'basic' | 'all' {
  return formOf(config, options) === frameForm ? 'all' : 'basic';
}

/**
 * Threads within one of the decoder's convolutions on a processor, the same on every machine: those of small pictures group their sums by
 * it. Where frames are pictures they are many and short, and a second thread is little help to one of them.
 */
export function vaeThreads(
  config: Pick<VaeConfig, 'baseWidth'>,
  options: Pick<ChunkOptions, 'attention' | 'dtype'>,
): number {
  return formOf(config, options) === frameForm ? 1 : 4;
}

/** All states of the decoder, or of a part of it, for latents of a size, in the order in which the graph meets them. */
export function vaeStates(
  config: VaeConfig,
  tensors: TensorIndex,
  options: Pick<ChunkOptions, 'height' | 'width' | 'attention' | 'dtype' | 'units'>,
): readonly VaeState[] {
  const { inputs } = vaeChunkGraph(config, tensors, { ...options, kind: 'steady' });
  const states = inputs.filter((input) => input.name.startsWith('state.'));
  return states.map(({ name, shape }) => ({ name: name.slice('state.'.length), shape: shape as readonly number[] }));
}

interface Chunk {
  readonly g: GraphBuilder;
  readonly config: VaeConfig;
  readonly options: ChunkOptions;
  readonly dtype: ChunkType;
  readonly form: VideoForm;
}

/** The widest decoder whose weights may be held in memory, changed, instead of being mapped from their files. */
const WIDEST_HELD = 48;

/**
 * Minimal filtering is for float32: in half precision its larger coefficients would cost digits. Its weights are computed from those of the
 * files, and more than those; a decoder as wide as Wan's keeps its files' own, which are mapped and take no memory of their own.
 */
function formOf(
  { baseWidth }: Pick<VaeConfig, 'baseWidth'>,
  { attention, dtype = 'F32' }: Pick<ChunkOptions, 'attention' | 'dtype'>,
): VideoForm {
  return attention === 'cpu' && dtype === 'F32' && baseWidth <= WIDEST_HELD ? frameForm : planeForm;
}

/** The frames so far after the two of the state, zero at first; and the last two of them as the next state. */
function withState({ g, options, dtype, form }: Chunk, x: Edge, name: string): Edge {
  const size = form.sizeOf(x);
  const shape = form.shapeOf({ ...size, frames: STATE_FRAMES });
  const state = options.kind === 'steady' ? g.input(`state.${name}`, dtype, shape) : zeroFrames(g, dtype, shape);
  const seen = concat(g, [state, x], form.frameAxis, STATE_FRAMES + size.frames);
  g.output(`next.${name}`, slice(g, seen, form.frameAxis, size.frames, STATE_FRAMES + size.frames));
  return seen;
}

function zeroFrames(g: GraphBuilder, dtype: ChunkType, shape: readonly number[]): Edge {
  const size = g.constant(BigInt64Array.from(shape, BigInt), 'I64', [shape.length]);
  return cast(g, g.node('ConstantOfShape', [size], { dtype: 'F32', shape }), dtype);
}

/** Convolution that sees two frames back in time: kernel 3 × 3 × 3. */
function causal(chunk: Chunk, x: Edge, name: string, to: number): Edge {
  const { g, form, dtype } = chunk;
  return form.overTime(g, withState(chunk, x, name), { name, to, side: 3, dtype });
}

/** Convolution of one pixel: `<name>.weight` is 1 × 1, and has a third axis of 1 where `stored` says so. */
function pointwise({ g, dtype }: Chunk, x: Edge, name: string, to: number, stored: 2 | 3 = 2): Edge {
  const from = x.shape[1] as number;
  const ones = (axes: number) => new Array<number>(axes).fill(1);
  const axes = x.shape.length - 2;
  const weight = g.weight(`${name}.weight`, [to, from, ...ones(stored)], dtype, [to, from, ...ones(axes)]);
  const inputs = [x, weight, g.weight(`${name}.bias`, [to], dtype)];
  return g.node('Conv', inputs, { dtype, shape: x.shape.with(1, to) }, { pads: new Array<bigint>(2 * axes).fill(0n) });
}

/** `x / max(‖x‖ over the channels, 1e-12) · √channels · gamma`, in float32. */
function channelNorm({ g, dtype, form }: Chunk, input: Edge, name: string, gammaShape: readonly number[]): Edge {
  const x = cast(g, input, 'F32');
  const channels = x.shape[1] as number;
  const unit = form.unit(g, x);
  const gamma = g.weight(`${name}.gamma`, gammaShape, 'F32', [channels, ...x.shape.slice(2).map(() => 1)]);
  return cast(g, binary(g, 'Mul', unit, binary(g, 'Mul', gamma, scalar(g, Math.sqrt(channels)))), dtype);
}

function resnet(chunk: Chunk, x: Edge, name: string, to: number): Edge {
  const { g } = chunk;
  const from = x.shape[1] as number;
  const inner = chunk.form.silu(g, channelNorm(chunk, x, `${name}.norm1`, [from, 1, 1, 1]));
  const middle = causal(chunk, inner, `${name}.conv1`, to);
  const outer = chunk.form.silu(g, channelNorm(chunk, middle, `${name}.norm2`, [to, 1, 1, 1]));
  const y = causal(chunk, outer, `${name}.conv2`, to);
  return binary(g, 'Add', y, from === to ? x : pointwise(chunk, x, `${name}.conv_shortcut`, to, 3));
}

/** Attention among the pixels of the one frame, with a single head. */
function midAttention(chunk: Chunk, x: Edge, name: string): Edge {
  const { g, options, form } = chunk;
  const { channels, height, width } = form.sizeOf(x);
  const image = reshape(g, x, [1, channels, height, width]);
  const normed = channelNorm(chunk, image, `${name}.norm`, [channels, 1, 1]);
  const qkv = pointwise(chunk, normed, `${name}.to_qkv`, 3 * channels);
  const rows = transpose(g, reshape(g, qkv, [1, 3 * channels, height * width]), [0, 2, 1]);
  const [q, k, v] = g.split(rows, 2, 3) as [Edge, Edge, Edge];
  // A head this wide has no kernel of cuDNN's.
  const compute = { attention: options.attention, dtype: options.dtype ?? 'F32', operator: 'Attention' } as const;
  const mixed = transpose(g, attention(g, q, k, v, 1, compute), [0, 2, 1]);
  const picture = reshape(g, mixed, [1, channels, height, width]);
  const out = pointwise(chunk, picture, `${name}.proj`, channels);
  return binary(g, 'Add', reshape(g, out, x.shape), x);
}

/** Twice as high and wide with half the channels and, for `3d` after the first chunk, twice as many frames. */
function upsample(chunk: Chunk, x: Edge, { name, to, upsample: kind }: VaeUnit): Edge {
  const longer = kind === '3d' ? doubleFrames(chunk, x, `${name}.time_conv`) : x;
  return chunk.form.enlarged(chunk.g, longer, `${name}.resample.1`, to);
}

/**
 * Two frames from each by a convolution over time alone; the halves of its channels are the even and the odd frames. The
 * first chunk skips it, and leaves its state zero.
 */
function doubleFrames(chunk: Chunk, x: Edge, name: string): Edge {
  const { g, options, dtype, form } = chunk;
  const size = form.sizeOf(x);
  if (options.kind === 'first') {
    g.output(`next.${name}`, zeroFrames(g, dtype, form.shapeOf({ ...size, frames: STATE_FRAMES })));
    return x;
  }
  const convolution = { name, to: 2 * size.channels, side: 1, dtype } as const;
  return form.unfold(g, form.overTime(g, withState(chunk, x, name), convolution));
}
