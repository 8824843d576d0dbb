/**
 * The runtime's memory allocator, as arithmetic: the sizes of its regions and where tensors come to lie in them follow from the
 * order in which they are taken and given back. Nothing that it has taken is given back before its session ends.
 */

/** How an arena grows: to the next power of two, as a processor's does, or by what is asked for, as a device's. */
export type Growth = 'powerOfTwo' | 'asRequested';

/** Memory of an arena: `take` gives a handle for `give`. */
export interface Arena {
  take(bytes: number): Chunk;
  give(chunk: Chunk): void;
  /**
   * The run is over. On a device a piece that the run under way has used is joined with its free neighbours only where they are of this
   * run, too; now all free neighbours are joined.
   */
  endRun(): void;
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
  /** The run under way has used it, on a device. */
  isOfRun: boolean;
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
  const ofRun: Chunk[] = [];
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
    return { region, start: 0, size, free: true, isOfRun: false, before: undefined, after: undefined };
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
      isOfRun: chunk.isOfRun,
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

  /** A free piece with its free neighbours. */
  function joined(chunk: Chunk): Chunk {
    const isJoined = (other: Chunk | undefined) => other?.free === true && other.isOfRun === chunk.isOfRun;
    if (isJoined(chunk.after)) join(chunk, chunk.after!);
    const { before } = chunk;
    if (!isJoined(before)) return chunk;
    join(before!, chunk);
    return before!;
  }

  return {
    take(wanted) {
      const bytes = Math.ceil(Math.max(1, wanted) / ALIGNMENT) * ALIGNMENT;
      const chunk = bestOf(bytes) ?? extend(bytes);
      free.delete(chunk);
      if (chunk.size >= 2 * bytes || chunk.size - bytes >= MOST_DEAD_BYTES) cut(chunk, bytes);
      chunk.free = false;
      if (growth === 'asRequested') {
        chunk.isOfRun = true;
        ofRun.push(chunk);
      }
      chunk.region.touched = Math.max(chunk.region.touched, chunk.start + bytes);
      return chunk;
    },
    give(chunk) {
      chunk.free = true;
      free.add(joined(chunk));
    },
    endRun() {
      for (const chunk of ofRun.splice(0)) chunk.isOfRun = false;
      // Joining takes pieces out of what is gone through.
      for (const chunk of free) free.add(joined(chunk));
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
