/**
 * Joins encoded blocks into one mp4 whose index stands in front of the frames, without encoding anything again. Frames are
 * shown for equal times, so the duration is exact; nothing written depends on time or machine.
 */

import {
  ascii,
  bytesOf,
  join,
  makeBox,
  makeFullBox,
  named,
  needBox,
  uint16,
  uint32,
  uint32s,
  uint64,
} from './boxes.ts';
import { outputError } from './errors.ts';
import { readSamples, type Samples } from './segment.ts';

/** Encoded blocks in their order; `media` may be read more than once, one block at a time. */
export interface Blocks {
  readonly init: Uint8Array;
  readonly count: number;
  media(index: number): Promise<Uint8Array>;
}

/** What stands beside the frames. Times are in ticks of the track's clock, `timescale` ticks a second. */
export interface Mp4Options {
  readonly width: number;
  readonly height: number;
  readonly timescale: number;
  readonly ticksPerFrame: number;
  readonly title?: string | undefined;
  readonly comment?: string | undefined;
}

/** One block in the file: a chunk of frames, bytes `payload` long. */
interface Chunk {
  readonly frames: number;
  readonly bytes: number;
}

interface Index {
  readonly chunks: readonly Chunk[];
  readonly sizes: readonly number[];
  readonly keys: readonly number[];
}

const TRACK = 1;
const UNITY_MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
const FILE_TYPE = makeBox('ftyp', ascii('isom'), uint32(512), ascii('isomiso2avc1mp41'));
/** What a 32-bit chunk offset cannot reach. */
const FAR_BYTES = 2 ** 32;

/** The bytes of the joined film, piece by piece. Each block is read twice: for the index, then for its frames. */
export async function* joinMp4(blocks: Blocks, options: Mp4Options): AsyncGenerator<Uint8Array> {
  const index = await readIndex(blocks, options);
  const payloadBytes = index.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  const header = makeHeader(blocks.init, index, options, payloadBytes);
  yield FILE_TYPE;
  yield header.moov;
  yield header.mdat;
  for (let i = 0; i < blocks.count; i++) {
    yield* (await samplesOf(blocks, i)).payload;
  }
}

async function samplesOf(blocks: Blocks, index: number): Promise<Samples> {
  const media = await blocks.media(index);
  return named(`block ${index}`, () => readSamples(blocks.init, media));
}

async function readIndex(blocks: Blocks, { ticksPerFrame }: Mp4Options): Promise<Index> {
  const index = { chunks: [] as Chunk[], sizes: [] as number[], keys: [] as number[] };
  for (let i = 0; i < blocks.count; i++) {
    const { sizes, ticks, keys, payload } = await samplesOf(blocks, i);
    if (ticks.some((duration) => duration !== ticksPerFrame)) {
      throw outputError('E_OUTPUT_FRAMES', { what: `block ${i}`, found: 'unevenly timed', wanted: 'even ones' });
    }
    for (const key of keys) index.keys.push(index.sizes.length + key);
    for (const size of sizes) index.sizes.push(size);
    index.chunks.push({ frames: sizes.length, bytes: payload.reduce((sum, part) => sum + part.byteLength, 0) });
  }
  return index;
}

/** The index and the start of the frames' box; offsets in the index count from the file's start, past the index itself. */
function makeHeader(init: Uint8Array, index: Index, options: Mp4Options, payloadBytes: number) {
  const isFar = payloadBytes + FILE_TYPE.byteLength + 2 ** 28 >= FAR_BYTES;
  const mdat = isFar
    ? join([uint32(1), ascii('mdat'), uint64(payloadBytes + 16)])
    : join([uint32(payloadBytes + 8), ascii('mdat')]);
  const draft = makeMoov(init, index, options, isFar, 0);
  const firstFrame = FILE_TYPE.byteLength + draft.byteLength + mdat.byteLength;
  return { moov: makeMoov(init, index, options, isFar, firstFrame), mdat };
}

function makeMoov(init: Uint8Array, index: Index, options: Mp4Options, isFar: boolean, firstFrame: number): Uint8Array {
  const { timescale, ticksPerFrame, width, height } = options;
  const duration = index.sizes.length * ticksPerFrame;
  const copied = (path: string) => bytesOf(init, needBox(init, `moov/trak/mdia/${path}`));
  const sampleTable = makeBox(
    'stbl',
    copied('minf/stbl/stsd'),
    makeFullBox('stts', 0, 0, uint32(1, index.sizes.length, ticksPerFrame)),
    makeFullBox('stss', 0, 0, uint32(index.keys.length), uint32s(index.keys.map((key) => key + 1))),
    makeChunkTable(index.chunks),
    makeFullBox('stsz', 0, 0, uint32(0, index.sizes.length), uint32s(index.sizes)),
    makeOffsets(index.chunks, isFar, firstFrame),
  );
  const media = makeBox(
    'mdia',
    makeFullBox('mdhd', 1, 0, uint64(0, 0), uint32(timescale), uint64(duration), uint16(UNDETERMINED_LANGUAGE, 0)),
    copied('hdlr'),
    makeBox('minf', copied('minf/vmhd'), copied('minf/dinf'), sampleTable),
  );
  return makeBox(
    'moov',
    makeMovieHeader(timescale, duration),
    makeBox('trak', makeTrackHeader(duration, width, height), media),
    ...makeTags(options),
  );
}

/** The language code `und` in the three five-bit letters of ISO 639. */
const UNDETERMINED_LANGUAGE = 0x55c4;

function makeMovieHeader(timescale: number, duration: number): Uint8Array {
  const rate = 0x10000;
  const volume = 0x0100;
  const times = [uint64(0, 0), uint32(timescale), uint64(duration), uint32(rate), uint16(volume, 0), uint32(0, 0)];
  return makeFullBox('mvhd', 1, 0, ...times, uint32(...UNITY_MATRIX), uint32(0, 0, 0, 0, 0, 0, TRACK + 1));
}

function makeTrackHeader(duration: number, width: number, height: number): Uint8Array {
  const enabledInMovie = 3;
  const times = [uint64(0, 0), uint32(TRACK, 0), uint64(duration), uint32(0, 0), uint16(0, 0, 0, 0)];
  const size = uint32(width * 0x10000, height * 0x10000);
  return makeFullBox('tkhd', 1, enabledInMovie, ...times, uint32(...UNITY_MATRIX), size);
}

/** `stsc`: one entry per run of chunks with equally many frames. */
function makeChunkTable(chunks: readonly Chunk[]): Uint8Array {
  const entries: number[] = [];
  chunks.forEach(({ frames }, i) => {
    if (frames !== chunks[i - 1]?.frames) entries.push(i + 1, frames, 1);
  });
  return makeFullBox('stsc', 0, 0, uint32(entries.length / 3), uint32s(entries));
}

function makeOffsets(chunks: readonly Chunk[], isFar: boolean, firstFrame: number): Uint8Array {
  let at = firstFrame;
  const offsets = chunks.map(({ bytes }) => {
    at += bytes;
    return at - bytes;
  });
  return isFar
    ? makeFullBox('co64', 0, 0, uint32(offsets.length), join(offsets.map((offset) => uint64(offset))))
    : makeFullBox('stco', 0, 0, uint32(offsets.length), uint32s(offsets));
}

/** Title and comment as every player reads them (`udta/meta/ilst`). */
function makeTags({ title, comment }: Mp4Options): readonly Uint8Array[] {
  const tags = Object.entries({ '©nam': title, '©cmt': comment }).filter(([, text]) => text !== undefined);
  if (tags.length === 0) return [];
  const isText = 1;
  const items = tags.map(([name, text]) =>
    makeBox(name, makeBox('data', uint32(isText, 0), Buffer.from(text ?? '', 'utf8'))),
  );
  const handler = makeFullBox('hdlr', 0, 0, uint32(0), ascii('mdirappl'), uint32(0, 0), new Uint8Array(1));
  return [makeBox('udta', makeFullBox('meta', 0, 0, handler, makeBox('ilst', ...items)))];
}
