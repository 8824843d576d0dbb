/**
 * The runtime's memory allocator, as arithmetic: the sizes of its regions and where tensors come to lie in them follow from the
 * order in which they are taken and given back. Nothing that it has taken is given back before its session ends.
 */

/** How an arena grows: to the next power of two, or by what is asked for. */
export type Growth = 'powerOfTwo' | 'asRequested';

/** Memory of an arena: `take` gives a handle for `give`. */
export interface Arena {
  take(bytes: number): Chunk;
  give(chunk: Chunk): void;
  /** Bytes that it has from the system. */
  readonly reserved: number;
  /** Bytes of them that were ever part of a tensor: the rest costs no memory on a processor. */
  readonly touched: number;
}

/** A piece of a region, in use or free. */
export interface Chunk {
  readonly region: Region;
  readonly start: number;
  size: number;
  free: boolean;
  before: Chunk | undefined;
  after: Chunk | undefined;
}

interface Region {
  readonly ordinal: number;
  touched: number;
}

const ALIGNMENT = 256;
const FIRST_REGION = 2 ** 20;
/** A free chunk is cut if at least as much, or so much, of it would be left over. */
const MOST_DEAD_BYTES = 128 * 2 ** 20;

/** An empty arena. */
export function createArena(growth: Growth): Arena {
  const regions: Region[] = [];
  const free = new Set<Chunk>();
  let next = FIRST_REGION;
  let reserved = 0;

  function extend(bytes: number): Chunk {
    let size = bytes;
    if (growth === 'powerOfTwo') {
      const isLarge = bytes > next;
      while (bytes > next) next *= 2;
      size = next;
      if (!isLarge) next *= 2;
    }
    reserved += size;
    const region = { ordinal: regions.length, touched: 0 };
    regions.push(region);
    return { region, start: 0, size, free: true, before: undefined, after: undefined };
  }

  /** The smallest that is large enough, and of such the first. */
  function bestOf(bytes: number): Chunk | undefined {
    let best: Chunk | undefined;
    for (const chunk of free) if (chunk.size >= bytes && (best === undefined || comesFirst(chunk, best))) best = chunk;
    return best;
  }

  function cut(chunk: Chunk, bytes: number): void {
    const rest: Chunk = {
      region: chunk.region,
      start: chunk.start + bytes,
      size: chunk.size - bytes,
      free: true,
      before: chunk,
      after: chunk.after,
    };
    if (chunk.after !== undefined) chunk.after.before = rest;
    chunk.after = rest;
    chunk.size = bytes;
    free.add(rest);
  }

  function join(left: Chunk, right: Chunk): void {
    left.size += right.size;
    left.after = right.after;
    if (right.after !== undefined) right.after.before = left;
    free.delete(right);
  }

  return {
    take(wanted) {
      const bytes = Math.ceil(Math.max(1, wanted) / ALIGNMENT) * ALIGNMENT;
      const chunk = bestOf(bytes) ?? extend(bytes);
      free.delete(chunk);
      if (chunk.size >= 2 * bytes || chunk.size - bytes >= MOST_DEAD_BYTES) cut(chunk, bytes);
      chunk.free = false;
      chunk.region.touched = Math.max(chunk.region.touched, chunk.start + bytes);
      return chunk;
    },
    give(chunk) {
      let whole = chunk;
      whole.free = true;
      if (whole.after?.free === true) join(whole, whole.after);
      if (whole.before?.free === true) {
        whole = whole.before;
        join(whole, whole.after!);
      }
      free.add(whole);
    },
    get reserved() {
      return reserved;
    },
    get touched() {
      return regions.reduce((sum, { touched }) => sum + touched, 0);
    },
  };
}

function comesFirst(a: Chunk, b: Chunk): boolean {
  if (a.size !== b.size) return a.size < b.size;
  return a.region.ordinal !== b.region.ordinal ? a.region.ordinal < b.region.ordinal : a.start < b.start;
}
