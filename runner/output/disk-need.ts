/** How much room a film takes before it is made: an estimate, since nobody knows how its pictures will compress. Pure. */

/** A film yet to be made. */
export interface ExpectedFilm {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Bytes of a file of clean latents that is asked for, too. */
  readonly latentsBytes?: number | undefined;
  /** Bytes of the checkpoints that are made on the way: without room for them a film is made all the same. */
  readonly checkpointBytes?: number | undefined;
}

/** Bytes that a run writes. */
export interface DiskNeed {
  /** As films usually are. */
  readonly likely: number;
  /** What even a film of one colour takes: with less there can be none. */
  readonly least: number;
}

/**
 * Bits of a pixel at the encoder's quality (CRF 18): ordinary pictures take 0.1 to 0.2, small ones and noise more (the demo's
 * film of 96×96: 0.26).
 */
const LIKELY_BITS_PER_PIXEL = 0.25;
/** A frame without any change: its headers and its place in the index. */
const LEAST_FRAME_BYTES = 16;
/** Poster, contact sheet and records. */
const BESIDE_BYTES = 1 << 20;
/** While blocks are joined, the film is there twice. */
const COPIES = 2;

/** Need of a film: twice its encoded bytes, the pictures beside it, the latents, and the checkpoints where they are likely to fit. */
export function diskNeed({ width, height, frames, latentsBytes = 0, checkpointBytes = 0 }: ExpectedFilm): DiskNeed {
  const encoded = (width * height * frames * LIKELY_BITS_PER_PIXEL) / 8;
  return {
    likely: Math.ceil(COPIES * encoded) + BESIDE_BYTES + latentsBytes + checkpointBytes,
    least: COPIES * frames * LEAST_FRAME_BYTES + latentsBytes,
  };
}

/** Whether `free` bytes are enough; where nobody knows them, they are. */
export function judgeDisk({ likely, least }: DiskNeed, free: number | undefined): 'enough' | 'tight' | 'impossible' {
  if (free === undefined || free >= likely) return 'enough';
  return free >= least ? 'tight' : 'impossible';
}

/** Bytes for people: `1.2 GB`. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** step).toPrecision(3))} ${units[step]}`;
}
