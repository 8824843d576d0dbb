/** Fragments of mp4: the init segment (`ftyp moov`) that all blocks share, and each block's media (`moof mdat …`). */

import { type Box, bytesOf, contentOf, damaged, findBox, join, needBox, readBoxes } from './boxes.ts';

/** One encoded block. `media` begins with time 0 until {@link placeMedia} moves it to its place in the film. */
export interface Segment {
  readonly init: Uint8Array;
  readonly media: Uint8Array;
}

/** The samples (frames) of a block's media, in order of decoding and showing. */
export interface Samples {
  readonly sizes: readonly number[];
  readonly ticks: readonly number[];
  /** Indices of the key frames. */
  readonly keys: readonly number[];
  /** The frames' bytes, not copied: one part per run of frames. */
  readonly payload: readonly Uint8Array[];
}

interface Defaults {
  readonly ticks: number;
  readonly bytes: number;
  readonly flags: number;
}

interface SampleColumns {
  readonly sizes: number[];
  readonly ticks: number[];
  readonly keys: number[];
  readonly payload: Uint8Array[];
}

const TFHD = { baseOffset: 0x1, description: 0x2, ticks: 0x8, bytes: 0x10, flags: 0x20 } as const;
const TRUN = { dataOffset: 0x1, firstFlags: 0x4, ticks: 0x100, bytes: 0x200, flags: 0x400, shift: 0x800 } as const;
const SAMPLE_IS_NOT_KEY = 0x10000;
/** More frames than any run of a film that can be played; keeps a damaged count from taking hours. */
const MAXIMUM_RUN = 10_000_000;

/** Splits what an encoder wrote for one block; an index at the end (`mfra`) is left out, its offsets hold for one block only. */
export function splitSegment(bytes: Uint8Array): Segment {
  const boxes = readBoxes(bytes);
  const part = (...types: readonly string[]) =>
    join(boxes.filter(({ type }) => types.includes(type)).map((box) => bytesOf(bytes, box)));
  if (!boxes.some(({ type }) => type === 'moov')) throw damaged('it has no moov box');
  return { init: part('ftyp', 'moov'), media: part('moof', 'mdat') };
}

/** Reads sizes, times and key frames from the media of one track, whose defaults stand in `init`. */
export function readSamples(init: Uint8Array, media: Uint8Array): Samples {
  const trex = contentOf(init, needBox(init, 'moov/mvex/trex'));
  const defaults = { ticks: trex.getUint32(12), bytes: trex.getUint32(16), flags: trex.getUint32(20) };
  const samples: SampleColumns = { sizes: [], ticks: [], keys: [], payload: [] };
  for (const moof of readBoxes(media).filter(({ type }) => type === 'moof'))
    readFragment(media, moof, defaults, samples);
  return samples;
}

/**
 * Moves media to its place, in its own bytes: fragment numbers start at `firstFragment` (from 1) and decoding times at
 * `firstTick`. Returns how many fragments it has.
 */
export function placeMedia(media: Uint8Array, firstFragment: number, firstTick: number): number {
  let fragment = 0;
  for (const moof of readBoxes(media).filter(({ type }) => type === 'moof')) {
    contentOf(media, needBox(media, 'mfhd', moof)).setUint32(4, firstFragment + fragment);
    const tfdt = contentOf(media, needBox(media, 'traf/tfdt', moof));
    if (tfdt.getUint8(0) === 1) tfdt.setBigUint64(4, tfdt.getBigUint64(4) + BigInt(firstTick));
    else if (tfdt.getUint32(4) + firstTick < 2 ** 32) tfdt.setUint32(4, tfdt.getUint32(4) + firstTick);
    else throw damaged('a fragment cannot hold its time in 32 bits');
    fragment += 1;
  }
  return fragment;
}

/** Decoding time of the first frame of `media`, in ticks. */
export function firstTickOf(media: Uint8Array): number {
  const tfdt = contentOf(media, needBox(media, 'moof/traf/tfdt'));
  return tfdt.getUint8(0) === 1 ? Number(tfdt.getBigUint64(4)) : tfdt.getUint32(4);
}

function readFragment(media: Uint8Array, moof: Box, track: Defaults, samples: SampleColumns): void {
  const traf = needBox(media, 'traf', moof);
  const defaults = readTrackDefaults(contentOf(media, needBox(media, 'tfhd', traf)), track);
  for (const box of readBoxes(media, traf.content, traf.end).filter(({ type }) => type === 'trun')) {
    const { dataOffset, length } = readRun(contentOf(media, box), defaults, samples);
    const start = moof.start + dataOffset;
    const end = start + length;
    if (start < moof.end || end > media.byteLength) throw damaged('a fragment points outside of its data');
    samples.payload.push(media.subarray(start, end));
  }
  if (findBox(media, 'trun', traf) === undefined) throw damaged('a fragment holds no frames');
}

function readTrackDefaults(tfhd: DataView, track: Defaults): Defaults {
  const present = tfhd.getUint32(0) & 0xffffff;
  if (present & TFHD.baseOffset) throw damaged('a fragment gives its data by its place in the file');
  let at = 8 + (present & TFHD.description ? 4 : 0);
  const optional = (flag: number, otherwise: number) => {
    if (!(present & flag)) return otherwise;
    at += 4;
    return tfhd.getUint32(at - 4);
  };
  return {
    ticks: optional(TFHD.ticks, track.ticks),
    bytes: optional(TFHD.bytes, track.bytes),
    flags: optional(TFHD.flags, track.flags),
  };
}

function readRun(trun: DataView, defaults: Defaults, samples: SampleColumns) {
  const present = trun.getUint32(0) & 0xffffff;
  const count = trun.getUint32(4);
  let at = 8;
  const optional = (flag: number, otherwise: number) => {
    if (!(present & flag)) return otherwise;
    at += 4;
    return trun.getUint32(at - 4);
  };
  if (count > MAXIMUM_RUN) throw damaged(`a fragment claims ${count} frames`);
  if (!(present & TRUN.dataOffset)) throw damaged('a fragment does not say where its data is');
  const dataOffset = optional(TRUN.dataOffset, 0);
  const firstFlags = optional(TRUN.firstFlags, defaults.flags);
  let length = 0;
  for (let i = 0; i < count; i++) {
    samples.ticks.push(optional(TRUN.ticks, defaults.ticks));
    const size = optional(TRUN.bytes, defaults.bytes);
    const flags = optional(TRUN.flags, i === 0 ? firstFlags : defaults.flags);
    if (optional(TRUN.shift, 0) !== 0) throw damaged('frames are not shown in the order of decoding');
    if (!(flags & SAMPLE_IS_NOT_KEY)) samples.keys.push(samples.sizes.length);
    samples.sizes.push(size);
    length += size;
  }
  return { dataOffset, length };
}
