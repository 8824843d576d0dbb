import { print, type Tree, treeOf } from './json-tree.ts';

/**
 * Where the tensors of a damaged header lie: one after another as the format demands; with the boundary between two of them
 * moved, so that all bytes still belong to one each; or with two of a length lying in one place.
 */
export type Layout =
  | { readonly kind: 'sound' }
  | { readonly kind: 'boundary'; readonly at: number; readonly by: number }
  | { readonly kind: 'shared'; readonly at: number };

type Range = [begin: number, end: number];
type Entry = readonly [string, Tree];

const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  F64: 8,
  I8: 1,
};

/** The header with new offsets, and the bytes of data that they cover. Entries that describe no tensor stay as they are. */
export function repack(header: Tree, layout: Layout): { readonly tree: Tree; readonly dataBytes: number } | undefined {
  if (header.kind !== 'object') return undefined;
  const lengths = header.entries.map(([, child]) => bytesOf(child));
  const ranges = lay(
    lengths.filter((length) => length !== undefined),
    layout,
  );
  let next = 0;
  const entries = header.entries.map(([name, child], index): Entry => {
    if (lengths[index] === undefined || child.kind !== 'object') return [name, child];
    const offsets = treeOf(ranges[next++]);
    const fields = child.entries.map(([field, value]): Entry => [field, field === 'data_offsets' ? offsets : value]);
    return [name, { kind: 'object', entries: fields }];
  });
  return { tree: { kind: 'object', entries }, dataBytes: Math.max(0, ...ranges.map(([, end]) => end)) };
}

function lay(lengths: readonly number[], layout: Layout): readonly Range[] {
  let next = 0;
  const ranges = lengths.map((length): Range => {
    const begin = next;
    next += length;
    return [begin, next];
  });
  if (layout.kind === 'sound') return ranges;
  const at = Math.floor(layout.at * lengths.length);
  if (layout.kind === 'boundary') return moveBoundary(ranges, at, layout.by);
  return share(ranges, at);
}

function moveBoundary(ranges: readonly Range[], at: number, by: number): readonly Range[] {
  return ranges.map(([begin, end], index): Range => {
    if (index === at && at + 1 < ranges.length) return [begin, end + by];
    return index === at + 1 ? [begin + by, end] : [begin, end];
  });
}

/** The next tensor of the same length is put where number `at` is, and the rest moves up. */
function share(ranges: readonly Range[], at: number): readonly Range[] {
  const [begin, end] = ranges[at] ?? [0, 0];
  const length = end - begin;
  const twin = ranges.findIndex((range, index) => index > at && range[1] - range[0] === length);
  if (twin === -1) return ranges;
  return ranges.map((range, index): Range => {
    if (index === twin) return [begin, end];
    return index > twin ? [range[0] - length, range[1] - length] : range;
  });
}

/** Bytes of a tensor by its header's entry; undefined when it describes none. */
function bytesOf(entry: Tree): number | undefined {
  try {
    const { dtype, shape } = JSON.parse(print(entry)) as { dtype: string; shape: number[] };
    const bytes = shape.reduce((product, axis) => product * axis, ELEMENT_BYTES[dtype] ?? Number.NaN);
    return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
  } catch {
    return undefined;
  }
}
