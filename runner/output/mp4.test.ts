import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '#contract/error.ts';
import { contentOf, join, makeBox, makeFullBox, needBox, uint32, uint64 } from './boxes.ts';
import { openBlockEncoder } from './encoder.ts';
import { filmFacts, memorySource, readFilmFacts } from './facts.ts';
import { findFfmpeg } from './ffmpeg.ts';
import { type Blocks, joinMp4, type Mp4Options } from './mp4.ts';
import { firstTickOf, placeMedia, type Segment, splitSegment } from './segment.ts';

const PICTURE = { width: 16, height: 16, fps: 10 };
const OPTIONS: Mp4Options = { ...PICTURE, timescale: 10_000, ticksPerFrame: 1000 };

let segment: Segment;

beforeAll(async () => {
  const encoder = openBlockEncoder(await findFfmpeg(), PICTURE, 3);
  for (let i = 0; i < 3; i++) await encoder.write(new Uint8Array(16 * 16 * 3).fill(80 * i));
  segment = await encoder.finish();
});

function blocksOf(...media: readonly Uint8Array[]): Blocks {
  return { init: segment.init, count: media.length, media: async (index) => media[index] as Uint8Array };
}

async function joined(blocks: Blocks): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of joinMp4(blocks, OPTIONS)) parts.push(part);
  return join(parts);
}

/** Media of one fragment with a single frame of `frame`'s bytes. */
function mediaOf(frame: Uint8Array): Uint8Array {
  const dataFollows = 0x1 | 0x200;
  const moof = (offset: number) =>
    makeBox(
      'moof',
      makeFullBox('mfhd', 0, 0, uint32(1)),
      makeBox(
        'traf',
        makeFullBox('tfhd', 0, 0x20008, uint32(1, 1000)),
        makeFullBox('tfdt', 1, 0, uint64(0)),
        makeFullBox('trun', 0, dataFollows, uint32(1, offset, frame.byteLength)),
      ),
    );
  const mdat = join([uint32(frame.byteLength + 8), Buffer.from('mdat')]);
  return join([moof(moof(0).byteLength + mdat.byteLength), mdat, frame]);
}

describe('moving a block to its place', () => {
  it('adds to its time, numbers its fragments and changes nothing else', () => {
    const moved = segment.media.slice();
    expect(placeMedia(moved, 7, 123_000)).toBe(1);
    expect(firstTickOf(moved)).toBe(123_000);
    expect(contentOf(moved, needBox(moved, 'moof/mfhd')).getUint32(4)).toBe(7);
    const changed = moved.reduce((count, value, i) => count + Number(value !== segment.media[i]), 0);
    expect(changed).toBeLessThanOrEqual(12);
  });

  it('holds times past 32 bits', () => {
    const moved = segment.media.slice();
    placeMedia(moved, 1, 2 ** 40);
    expect(firstTickOf(moved)).toBe(2 ** 40);
  });
});

describe('a joined mp4', () => {
  it('reaches frames past 4 GiB', async () => {
    const frame = new Uint8Array(2 ** 28);
    const media = mediaOf(frame);
    const count = 17;
    const pieces = joinMp4(blocksOf(...Array.from({ length: count }, () => media)), OPTIONS);
    const [fileType, moov, mdat] = [await pieces.next(), await pieces.next(), await pieces.next()].map(
      ({ value }) => value as Uint8Array,
    ) as [Uint8Array, Uint8Array, Uint8Array];
    await pieces.return(undefined);
    const header = fileType.byteLength + moov.byteLength + mdat.byteLength;
    const co64 = contentOf(moov, needBox(moov, 'moov/trak/mdia/minf/stbl/co64'));
    const offsets = Array.from({ length: co64.getUint32(4) }, (_, i) => Number(co64.getBigUint64(8 + 8 * i)));
    expect(offsets).toEqual(Array.from({ length: count }, (_, i) => header + i * frame.byteLength));
    const bytes = header + count * frame.byteLength;
    const head = join([fileType, moov, mdat]);
    const source = { bytes, read: async (start: number, length: number) => head.subarray(start, start + length) };
    expect(await filmFacts('far.mp4', source)).toMatchObject({ frames: count, seconds: 1.7, bytes, indexFirst: true });
  });

  it('names the block whose bytes are damaged', async () => {
    const half = segment.media.subarray(0, segment.media.length / 2);
    await expect(joined(blocksOf(segment.media, half))).rejects.toMatchObject({
      code: 'E_OUTPUT_MP4',
      message: expect.stringMatching(/^block 1 is not an mp4/),
    });
  });
});

describe('reading facts', () => {
  it.each([
    { name: 'a file that is not there', bytes: undefined, reason: 'ENOENT' },
    { name: 'an empty file', bytes: '', reason: 'it has no moov box' },
    { name: 'text', bytes: 'once upon a time', reason: "box ' upo' claims 1869505381 of 16 bytes" },
    { name: 'a cut file', bytes: '\0\0\0\x40ftyp', reason: "box 'ftyp' claims 64 of 8 bytes" },
  ])('names $name and what is wrong with it', async ({ bytes, reason }) => {
    const folder = mkdtempSync(joinPath(tmpdir(), 'dualparal-facts-'));
    const file = joinPath(folder, 'film.mp4');
    if (bytes !== undefined) writeFileSync(file, bytes);
    await expect(readFilmFacts(file)).rejects.toMatchObject({
      code: 'E_OUTPUT_MP4',
      message: `${file} is not an mp4 film that can be read: ${reason}`,
    });
    rmSync(folder, { recursive: true });
  });

  it('gives facts or a coded error for any damage, joined or fragmented', async () => {
    const films = [await joined(blocksOf(segment.media, segment.media)), join([segment.init, segment.media])];
    const damage = fc.record({
      film: fc.nat({ max: films.length - 1 }),
      at: fc.array(fc.record({ position: fc.nat({ max: 1500 }), value: fc.nat({ max: 255 }) }), { maxLength: 6 }),
      end: fc.nat({ max: 2000 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ film, at, end }) => {
        const bytes = (films[film] as Uint8Array).slice(0, end < 600 ? undefined : end);
        for (const { position, value } of at) bytes[position % bytes.length] = value;
        const outcome = await filmFacts('film', memorySource(bytes)).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(CodedError);
        else expect(outcome).toMatchObject({ bytes: bytes.length });
      }),
      { numRuns: 3000, seed: 7 },
    );
  });

  it('refuses a block without its index', () => {
    expect(() => splitSegment(segment.media)).toThrow('it has no moov box');
  });
});
