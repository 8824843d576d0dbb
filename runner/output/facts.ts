import { open } from 'node:fs/promises';
import { explain } from '../store/explain.ts';
import { isUnreachable } from '../store/system-error.ts';
import {
  BOX_HEADER_BYTES,
  type Box,
  contentOf,
  damaged,
  findBox,
  named,
  needBox,
  readBoxes,
  readBoxHeader,
} from './boxes.ts';
import { outputError } from './errors.ts';
import { readSamples } from './segment.ts';

/** What an mp4 says of itself, read from its boxes; nothing is decoded. */
export interface FilmFacts {
  readonly bytes: number;
  /** `h264`, or the four letters of another coding. */
  readonly codec: string;
  /** As browsers ask for it (RFC 6381), for example `avc1.64001f`. */
  readonly codecString: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly keyFrames: number;
  readonly seconds: number;
  readonly fps: number;
  /** `bt709` and `tv` where the file is tagged so; code points of ISO/IEC 23091-2 otherwise; null without a tag. */
  readonly colour: { readonly space: string; readonly range: 'tv' | 'pc' } | null;
  /** The index stands in front of the frames, so that playing can start before the file is complete. */
  readonly indexFirst: boolean;
  readonly fragmented: boolean;
  readonly title: string | null;
  readonly comment: string | null;
}

/** Bytes that can be read in part: a file, or memory. */
export interface ByteSource {
  readonly bytes: number;
  read(start: number, length: number): Promise<Uint8Array>;
}

interface TopBox {
  readonly type: string;
  readonly start: number;
  readonly size: number;
}

/** Largest index that is read into memory: that of weeks of film. */
const MAXIMUM_INDEX_BYTES = 2 ** 28;
const LONG_HEADER_BYTES = 16;

/** Facts of the mp4 at `path`. A file that is no readable mp4 film gives `E_OUTPUT_MP4`. */
export async function readFilmFacts(path: string): Promise<FilmFacts> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (isUnreachable(error)) throw explain(error, 'read', path);
    throw outputError('E_OUTPUT_MP4', { file: path, reason: error.code ?? error.message }, error);
  });
  try {
    const { size } = await file.stat();
    return await filmFacts(path, {
      bytes: size,
      async read(start, length) {
        const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, start);
        return buffer.subarray(0, bytesRead);
      },
    });
  } finally {
    await file.close();
  }
}

/** Facts of an mp4 wherever its bytes are; `file` names it in errors. */
export function filmFacts(file: string, source: ByteSource): Promise<FilmFacts> {
  return named(file, () => readFacts(source));
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return { bytes: bytes.byteLength, read: async (start, length) => bytes.subarray(start, start + length) };
}

async function readFacts(source: ByteSource): Promise<FilmFacts> {
  const top = await topBoxes(source);
  const moov = top.find(({ type }) => type === 'moov');
  if (moov === undefined) throw damaged('it has no moov box');
  const fragmented = top.some(({ type }) => type === 'moof');
  const index = await readWhole(source, moov);
  const trak = videoTrack(index);
  const { frames, keyFrames, ticks } = fragmented
    ? await countFragments(source, top, index)
    : countSamples(index, trak);
  const seconds = ticks / timescaleOf(index, trak);
  return {
    bytes: source.bytes,
    ...codingOf(index, trak),
    frames,
    keyFrames,
    seconds,
    fps: seconds > 0 ? Number((frames / seconds).toPrecision(9)) : 0,
    indexFirst: top.findIndex(({ type }) => type === 'moov') < top.findIndex(({ type }) => type === 'mdat'),
    fragmented,
    title: tagOf(index, '©nam'),
    comment: tagOf(index, '©cmt'),
  };
}

async function topBoxes(source: ByteSource): Promise<readonly TopBox[]> {
  const boxes: TopBox[] = [];
  for (let at = 0; at < source.bytes; ) {
    const { type, size } = readBoxHeader(await source.read(at, LONG_HEADER_BYTES), source.bytes - at);
    boxes.push({ type, start: at, size });
    at += size;
  }
  return boxes;
}

async function readWhole(source: ByteSource, { type, start, size }: TopBox): Promise<Uint8Array> {
  if (size > MAXIMUM_INDEX_BYTES) throw damaged(`its ${type} box claims ${size} bytes`);
  const bytes = await source.read(start, size);
  if (bytes.byteLength !== size) throw damaged('it ends too early');
  return bytes;
}

function videoTrack(index: Uint8Array): Box {
  const moov = needBox(index, 'moov');
  const isVideo = (trak: Box) => {
    const hdlr = contentOf(index, needBox(index, 'mdia/hdlr', trak));
    return hdlr.getUint32(8) === 0x76696465;
  };
  const found = readBoxes(index, moov.content, moov.end).find((box) => box.type === 'trak' && isVideo(box));
  if (found === undefined) throw damaged('it has no video track');
  return found;
}

function timescaleOf(index: Uint8Array, trak: Box): number {
  const mdhd = contentOf(index, needBox(index, 'mdia/mdhd', trak));
  const timescale = mdhd.getUint32(mdhd.getUint8(0) === 1 ? 20 : 12);
  if (timescale === 0) throw damaged('its clock stands still');
  return timescale;
}

function countSamples(index: Uint8Array, trak: Box) {
  const table = needBox(index, 'mdia/minf/stbl', trak);
  const stts = contentOf(index, needBox(index, 'stts', table));
  let frames = 0;
  let ticks = 0;
  for (let i = 0; i < stts.getUint32(4); i++) {
    const count = stts.getUint32(8 + 8 * i);
    frames += count;
    ticks += count * stts.getUint32(12 + 8 * i);
  }
  const sized = contentOf(index, needBox(index, 'stsz', table)).getUint32(8);
  if (sized !== frames) throw damaged(`it times ${frames} frames and holds ${sized}`);
  const stss = findBox(index, 'stss', table);
  return { frames, ticks, keyFrames: stss === undefined ? frames : contentOf(index, stss).getUint32(4) };
}

async function countFragments(source: ByteSource, top: readonly TopBox[], index: Uint8Array) {
  const counts = { frames: 0, ticks: 0, keyFrames: 0 };
  for (const [i, moof] of top.entries()) {
    const mdat = top[i + 1];
    if (moof.type !== 'moof' || mdat?.type !== 'mdat') continue;
    const { ticks, keys } = readSamples(index, await readWhole(source, { ...moof, size: moof.size + mdat.size }));
    counts.frames += ticks.length;
    counts.keyFrames += keys.length;
    for (const duration of ticks) counts.ticks += duration;
  }
  return counts;
}

/** Offset of the boxes inside an `avc1` sample entry: after its header and 78 bytes of fixed fields. */
const VISUAL_ENTRY_BYTES = 78;

function codingOf(
  index: Uint8Array,
  trak: Box,
): Pick<FilmFacts, 'codec' | 'codecString' | 'width' | 'height' | 'colour'> {
  const stsd = needBox(index, 'mdia/minf/stbl/stsd', trak);
  const entry = readBoxes(index, stsd.content + BOX_HEADER_BYTES, stsd.end)[0];
  if (entry === undefined) throw damaged('it does not say how it is coded');
  const fields = contentOf(index, entry);
  const inside = readBoxes(index, entry.content + VISUAL_ENTRY_BYTES, entry.end);
  const avcC = inside.find(({ type }) => type === 'avcC');
  const profile = avcC && [1, 2, 3].map((at) => contentOf(index, avcC).getUint8(at).toString(16).padStart(2, '0'));
  return {
    codec: entry.type === 'avc1' ? 'h264' : entry.type,
    codecString: profile ? `${entry.type}.${profile.join('')}` : entry.type,
    width: fields.getUint16(24),
    height: fields.getUint16(26),
    colour: colourOf(
      index,
      inside.find(({ type }) => type === 'colr'),
    ),
  };
}

function colourOf(index: Uint8Array, colr: Box | undefined): FilmFacts['colour'] {
  if (colr === undefined) return null;
  const fields = contentOf(index, colr);
  const codes = [4, 6, 8].map((at) => fields.getUint16(at));
  const isBt709 = codes.every((code) => code === 1);
  return { space: isBt709 ? 'bt709' : codes.join('/'), range: fields.getUint8(10) & 0x80 ? 'pc' : 'tv' };
}

function tagOf(index: Uint8Array, name: string): string | null {
  const meta = findBox(index, 'moov/udta/meta');
  if (meta === undefined) return null;
  const versionBytes = 4;
  const ilst = readBoxes(index, meta.content + versionBytes, meta.end).find(({ type }) => type === 'ilst');
  const data = ilst && findBox(index, `${name}/data`, ilst);
  if (data === undefined) return null;
  const textStart = data.content + 8;
  return Buffer.from(index.subarray(textStart, data.end)).toString('utf8');
}
