import type { Edge, Operation } from '../model/graph.ts';
import { bytesPerElement } from '../tensor.ts';
import { edgeBytes, type Lengths } from './execution.ts';
import type { Kernels } from './run-memory.ts';

const FLOAT32_BYTES = 4;
/** What a thread of a convolution expands of its input at a time. */
const EXPANDED_BYTES = 128 * 256 * FLOAT32_BYTES;

/** Into how many tasks a thread's work may be cut. */
const TASKS_PER_THREAD = 4;

/** Channels that lie together where a convolution of pictures computes in blocks: as the narrower of the runtime's kinds of processor has it. */
const BLOCK_CHANNELS = 8;

/** Flash attention knows no wider heads. */
const WIDEST_FLASH_HEAD = 256;
/** Streaming multiprocessors of an H100 or H200. */
const MOST_PROCESSORS = 132;

/** What kernels there are for. */
export interface KernelsFor {
  readonly kind: 'cpu' | 'cuda';
  /** Within an operator of a processor. */
  readonly threads: number;
  /** The runtime may rearrange a graph (ort/session.ts `optimize`): convolutions of pictures then compute in blocks of channels. */
  readonly optimize?: 'basic' | 'all';
}

/** The runtime's kernels, by what is known of their memory. */
export function kernelsOf({ kind, threads, optimize = 'basic' }: KernelsFor): Kernels {
  if (kind === 'cuda') {
    return {
      scratchOf: (operation, lengths) => (operation.op === 'Attention' ? splitAttention(operation, lengths) : []),
    };
  }
  return {
    scratchOf(operation, lengths) {
      if (operation.op === 'Conv') {
        const isOfPictures = operation.inputs[1]!.shape.length === 4;
        return optimize === 'all' && isOfPictures ? blocked(operation) : convolution(operation, threads);
      }
      if (operation.op === 'ConvTranspose') return [spread(operation)];
      return operation.op === 'MultiHeadAttention' ? attention(operation, lengths) : [];
    },
  };
}

/**
 * In half precision too few queries to keep a device busy attend to keys in several parts, whose sums are there at once: flash
 * attention's own rule, by the processors of the largest card that there is. For one head, as the decoder has it.
 */
function splitAttention({ inputs }: Operation, lengths: Lengths): readonly number[] {
  const [queries, keys] = inputs as [Edge, Edge];
  const width = queries.shape.at(-1) as number;
  if (queries.dtype === 'F32' || width > WIDEST_FLASH_HEAD) return [];
  const rowsOf = (edge: Edge) => edgeBytes(edge, lengths) / bytesPerElement(edge.dtype) / width;
  const rows = rowsOf(queries);
  const parts = partsOfKeys(
    Math.ceil(rows / 64),
    Math.ceil(rowsOf(keys) / (width <= 64 ? 256 : width <= 128 ? 128 : 64)),
  );
  const sums = rows * FLOAT32_BYTES;
  return parts === 1 ? [sums] : [sums, parts * sums, parts * sums * 32 * Math.ceil(width / 32)];
}

/** Into how many parts the keys are cut: the fewest that keep 85 % as many processors busy as any number of parts does. */
function partsOfKeys(blocksOfQueries: number, blocksOfKeys: number): number {
  if (blocksOfQueries >= 0.8 * MOST_PROCESSORS) return 1;
  const counts = Array.from({ length: Math.min(MOST_PROCESSORS, blocksOfKeys) }, (_, index) => index + 1).filter(
    (count) => count === 1 || Math.ceil(blocksOfKeys / count) !== Math.ceil(blocksOfKeys / (count - 1)),
  );
  const busy = (count: number) => {
    const waves = (blocksOfQueries * count) / MOST_PROCESSORS;
    return waves / Math.ceil(waves);
  };
  const most = Math.max(...counts.map(busy));
  return counts.find((count) => busy(count) >= 0.85 * most) ?? 1;
}

/** Queries, keys and values are turned head by head; with something added to them, all scores are there at once, too. */
function attention({ inputs }: Operation, lengths: Lengths): readonly number[] {
  return inputs.map((edge) => edgeBytes(edge, lengths));
}

/** Each thread expands a part of its input; with more channels than pixels all of it is expanded at once. */
function convolution({ inputs, outputs }: Operation, threads: number): readonly number[] {
  const [x, weight] = inputs as [Edge, Edge];
  const [filters, channels, ...kernel] = weight.shape as readonly number[];
  const groups = (x.shape[1] as number) / channels!;
  const size = product(outputs[0]!.shape.slice(2) as readonly number[]);
  const expanded = channels! * product(kernel) * size * FLOAT32_BYTES;
  if (product(kernel) === 1) return [];
  // Groups are computed by a task each, which asks for room for all of its input.
  if (groups > 1) return [Math.min(TASKS_PER_THREAD * threads, groups) * Math.max(expanded, EXPANDED_BYTES)];
  return [filters! > size ? expanded : threads * EXPANDED_BYTES];
}

/** Input and result of a convolution of pictures, rearranged into blocks of channels; nothing is expanded. */
function blocked({ inputs, outputs }: Operation): readonly number[] {
  return [inputs[0]!, outputs[0]!].map((edge) => {
    const [count, channels, ...size] = edge.shape as readonly number[];
    const padded = Math.ceil(channels! / BLOCK_CHANNELS) * BLOCK_CHANNELS;
    return count! * padded * product(size) * FLOAT32_BYTES;
  });
}

/** What all pixels of a picture are spread to before it is summed up. */
function spread({ inputs }: Operation): number {
  const [x, weight] = inputs as [Edge, Edge];
  const [, ...kernel] = weight.shape as readonly number[];
  return product(kernel) * product(x.shape.slice(2) as readonly number[]) * FLOAT32_BYTES;
}

function product(numbers: readonly number[]): number {
  return numbers.reduce((result, number) => result * number, 1);
}
