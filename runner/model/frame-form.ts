import type { Edge, GraphBuilder } from './graph.ts';
import { type MinimalFilter, minimalFilter } from './minimal-filter.ts';
import { binary, CONTRIB, concat, reshape, scalar, transpose, unary } from './ops.ts';
import {
  convolutionOverTime,
  LEAST_NORM,
  planeForm,
  STATE_FRAMES,
  type TimeConvolution,
  type VideoForm,
} from './video-form.ts';

type PictureShape = readonly [number, number, number, number];

/**
 * Whole frames follow one another, `[T, C, h, w]`: for the CPU, whose kernels copy each number of a convolution's input as often as
 * the kernel is large. Two and four frames take 4 and 6 products of pictures instead of 6 and 12, by minimal filtering along
 * time in float32. Each product is an operation of its own, so that only one has its input expanded at a time.
 */
export const frameForm: VideoForm = {
  shapeOf: ({ channels, frames, height, width }) => [frames, channels, height, width],
  sizeOf(x) {
    const [frames, channels, height, width] = x.shape as PictureShape;
    return { channels, frames, height, width };
  },
  frameAxis: 0,
  overTime(g, seen, convolution) {
    const filter = minimalFilter(frameForm.sizeOf(seen).frames - STATE_FRAMES);
    if (filter === undefined) return fromPlanes(g, allTaps(g, seen, convolution));
    const { made, height, width } = products(g, seen, convolution, filter);
    const { outputs, products: count } = filter;
    const sideBySide = reshape(g, concat(g, made, 0, count), [count, convolution.to * height * width]);
    return reshape(g, mixed(g, filter.after, sideBySide), [outputs, convolution.to, height, width]);
  },
  planesOverTime(g, seen, convolution) {
    const filter = minimalFilter(frameForm.sizeOf(seen).frames - STATE_FRAMES);
    if (filter === undefined) return allTaps(g, seen, convolution);
    const { made, height, width } = products(g, seen, convolution, filter);
    const { outputs, products: count } = filter;
    const perChannel = made.map((one) => reshape(g, one, [convolution.to, 1, height * width]));
    const y = mixed(g, filter.after, concat(g, perChannel, 1, count));
    return reshape(g, y, [1, convolution.to, outputs, height, width]);
  },
  unit(g, x) {
    const { channels, frames, height, width } = frameForm.sizeOf(x);
    const squares = reshape(g, binary(g, 'Mul', x, x), [frames, channels, height * width]);
    const ones = g.constant(new Float32Array(channels).fill(1), 'F32', [1, channels]);
    const sum = g.node('MatMul', [ones, squares], { dtype: 'F32', shape: [frames, 1, height * width] });
    const norm = binary(g, 'Max', unary(g, 'Sqrt', sum), scalar(g, LEAST_NORM));
    const scale = g.node('Reciprocal', [norm], { dtype: 'F32', shape: norm.shape });
    return binary(g, 'Mul', x, reshape(g, scale, [frames, 1, height, width]));
  },
  silu: (g, x) => g.node('QuickGelu', [x], { dtype: x.dtype, shape: x.shape }, { alpha: 1 }, CONTRIB),
  enlarged: transposed,
  unfold(g, x) {
    const { channels, frames, height, width } = frameForm.sizeOf(x);
    return reshape(g, x, [2 * frames, channels / 2, height, width]);
  },
  fromLatent: fromPlanes,
};

/** Of one frame `[1, C, 1, h, w]`, which is the same in memory. */
function fromPlanes(g: GraphBuilder, x: Edge): Edge {
  return reshape(g, x, frameForm.shapeOf(planeForm.sizeOf(x)));
}

/** One frame with the two before it, by the kernel as it is stored: `[1, C, 1, h, w]`. */
function allTaps(g: GraphBuilder, seen: Edge, convolution: TimeConvolution): Edge {
  const [frames, channels, height, width] = seen.shape as PictureShape;
  const planes = reshape(g, transpose(g, seen, [1, 0, 2, 3]), [1, channels, frames, height, width]);
  return convolutionOverTime(g, planes, convolution);
}

/** The products of a minimal filter over frames, a picture `[1, C, h, w]` each; its kernels are computed when the graph is loaded. */
function products(g: GraphBuilder, seen: Edge, convolution: TimeConvolution, filter: MinimalFilter) {
  const [, from, height, width] = seen.shape as PictureShape;
  const { name, to, side, dtype } = convolution;
  const weight = g.weight(`${name}.weight`, [to, from, 3, side, side], dtype);
  const bias = g.weight(`${name}.bias`, [to], dtype);
  const taps = reshape(g, transpose(g, weight, [2, 0, 1, 3, 4]), [3, to * from * side * side]);
  const frames = reshape(g, seen, [filter.products, from * height * width]);
  const each = Array.from({ length: filter.products }, (_, index) => index);
  const row = (matrix: readonly number[], x: Edge, index: number) => {
    const length = x.shape[0] as number;
    return mixed(g, matrix.slice(index * length, (index + 1) * length), x);
  };
  const before = each.map((index) => reshape(g, row(filter.before, frames, index), [1, from, height, width]));
  const made = each.map((index) => {
    const kernel = reshape(g, row(filter.kernel, taps, index), [to, from, side, side]);
    return picture(g, before[index]!, kernel, index === filter.common ? bias : null);
  });
  return { made, height, width };
}

/** `matrix · x` for a matrix given row by row and `x [..., n, m]`. */
function mixed(g: GraphBuilder, matrix: readonly number[], x: Edge): Edge {
  const [length, columns] = x.shape.slice(-2) as [number, number];
  const rows = matrix.length / length;
  const left = g.constant(Float32Array.from(matrix), 'F32', [rows, length]);
  return g.node('MatMul', [left, x], { dtype: x.dtype, shape: [...x.shape.slice(0, -2), rows, columns] });
}

/** Convolution of a picture, as large as before. */
function picture(g: GraphBuilder, x: Edge, kernel: Edge, bias: Edge | null): Edge {
  const [to, , side] = kernel.shape as PictureShape;
  const pads = new Array<bigint>(4).fill(side === 3 ? 1n : 0n);
  const inputs = bias === null ? [x, kernel] : [x, kernel, bias];
  return g.node('Conv', inputs, { dtype: x.dtype, shape: x.shape.with(1, to) }, { pads });
}

/**
 * Pixels doubled and convolved by 3 × 3, as one transposed convolution by 4 × 4 at a stride of 2: each pixel is spread once
 * instead of four equal ones being gathered. Along an axis the taps a, b, c become c, b + c, a + b, a.
 */
function transposed(g: GraphBuilder, x: Edge, name: string, to: number): Edge {
  const [frames, from, height, width] = x.shape as PictureShape;
  const weight = g.weight(`${name}.weight`, [to, from, 3, 3], 'F32');
  const bias = g.weight(`${name}.bias`, [to], 'F32');
  const spread = g.constant(Float32Array.from(SPREAD), 'F32', [4, 3]);
  const alongWidth = g.node('MatMul', [spread, transpose(g, weight, [1, 0, 3, 2])], {
    dtype: 'F32',
    shape: [from, to, 4, 3],
  });
  const kernel = g.node('MatMul', [spread, transpose(g, alongWidth, [0, 1, 3, 2])], {
    dtype: 'F32',
    shape: [from, to, 4, 4],
  });
  const shape = [frames, to, 2 * height, 2 * width];
  return g.node(
    'ConvTranspose',
    [x, kernel, bias],
    { dtype: 'F32', shape },
    { pads: [1n, 1n, 1n, 1n], strides: [2n, 2n] },
  );
}

const SPREAD = [
  [0, 0, 1],
  [0, 1, 1],
  [1, 1, 0],
  [1, 0, 0],
].flat();
