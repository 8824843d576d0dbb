import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChunkKind, hiddenShape } from '../../runner/model/vae-decoder.ts';
import { vaeUnits } from '../../runner/model/vae-units.ts';
import { elementCount } from '../../runner/tensor.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { buildStandIn, type StandIn, standInObstacle } from './build.ts';
import { copiesIn, type LoggedEvent, partOf } from './log.ts';
import type { DecoderEnd, DecoderTask } from './make-decoder.ts';
import { runOnStandIn } from './run-program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'standin-decoder-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const obstacle = standInObstacle();
const { config } = openModel(join(import.meta.dirname, '../../models/tiny'));

const LATENTS = 5;
const SIZE = { height: 6, width: 8 };
const LATENT_BYTES = config.vae.latentChannels * SIZE.height * SIZE.width * 4;
/** Four frames of 8 × 8 pixels for each of the latent's, in three colours. */
const PICTURE_BYTES = 4 * 3 * 64 * SIZE.height * SIZE.width * 4;
const LARGEST_TABLE = 64;

describe.skipIf(obstacle !== undefined)(
  `the decoder on CUDA that computes nothing (${obstacle ?? 'built here'})`,
  () => {
    let standIn: StandIn;
    let count = 0;
    beforeAll(() => {
      standIn = buildStandIn();
    }, 600_000);

    /** Decodes in a process of its own: how it ended, and what the devices were asked for. */
    function decode(task: DecoderTask, faults: Readonly<Record<string, string>> = {}) {
      const log = join(scratch, `log-${count++}`);
      return runOnStandIn<DecoderEnd>(standIn, 'make-decoder.ts', task, { frames: [] }, { log, faults });
    }

    /** What the threads did that copied or computed, by their devices. */
    function byDevice(events: readonly LoggedEvent[]): ReadonlyMap<number, readonly LoggedEvent[]> {
      const did = events.filter(({ name }) => ['launch', 'product', 'copy'].includes(name));
      const threads = Map.groupBy(did, ({ thread }) => thread);
      const devices = [...threads.values()].map((own) => [new Set(own.map(({ device }) => device)), own] as const);
      // No thread works on a device but its own.
      for (const [seen] of devices) expect(seen.size).toBe(1);
      return new Map(devices.map(([seen, own]) => [[...seen][0]!, own]));
    }

    /** Bytes of what goes into a unit. */
    const hiddenBytes = (unit: number, kind: ChunkKind) =>
      4 * elementCount(hiddenShape(config.vae, { kind, ...SIZE, attention: 'cuda' }, unit));

    /** States that the film's first latent leaves zero: those of a part's convolutions over time alone. */
    const zeroStates = (from: number, to?: number) =>
      vaeUnits(config.vae)
        .slice(from, to)
        .filter(({ upsample }) => upsample === '3d')
        .map(({ from: channels, scale }) => 2 * channels * SIZE.height * SIZE.width * scale ** 2 * 4);

    /** Bytes of the copies of a device's thread between memories, by where they come from and go to, in order. */
    function traffic(events: readonly LoggedEvent[]) {
      // Some operations tell a kernel of several inputs where they are.
      const between = copiesIn(events).filter(({ from, to, bytes }) => from !== to && bytes > LARGEST_TABLE);
      const ways = Map.groupBy(between, ({ from, to }) => `${from} to ${to}`);
      return Object.fromEntries([...ways].map(([way, copies]) => [way, copies.map(({ bytes }) => bytes)]));
    }

    /** One for the film's first latent, and the same for each later one. */
    const perLatent = (first: number, later: number) => [first, ...new Array<number>(LATENTS - 1).fill(later)];

    const perHop = (unit: number) => perLatent(hiddenBytes(unit, 'first'), hiddenBytes(unit, 'steady'));

    test.each([[[0, 10]], [[0, 4, 9, 14]], [[0, 3, 5, 7, 9, 11, 13, 16]]])(
      'in parts that begin at %j each works on its own device, and between two goes one copy per latent, nothing by the host',
      (begins) => {
        const { error, frames, log } = decode({ begins, latents: LATENTS, ...SIZE });
        expect([error, frames]).toEqual([null, [1, 4, 4, 4, 4]]);
        const devices = byDevice(partOf(log, 'decoding'));
        const last = begins.length - 1;
        const wanted = begins.map((begin, device) => {
          const [latent, ...later] = device === 0 ? perLatent(LATENT_BYTES, LATENT_BYTES) : [];
          const zeros = zeroStates(begin, begins[device + 1]);
          const all = {
            [`host to ${device}`]: [...(latent === undefined ? [] : [latent]), ...zeros, ...later],
            [`${device - 1} to ${device}`]: device === 0 ? [] : perHop(begin),
            [`${device} to host`]: device === last ? perLatent(PICTURE_BYTES / 4, PICTURE_BYTES) : [],
          };
          return Object.fromEntries(Object.entries(all).filter(([, bytes]) => bytes.length > 0));
        });
        expect(begins.map((_, device) => traffic(devices.get(device)!))).toEqual(wanted);
      },
    );

    test('what a part leaves is finished before it is handed on, and copied as a whole before it is read', () => {
      const { log } = decode({ begins: [0, 8], latents: LATENTS, ...SIZE });
      const events = byDevice(partOf(log, 'decoding')).get(1)!;
      const thread = partOf(log, 'decoding').filter((event) => event.thread === events[0]!.thread);
      for (const [at, { words }] of thread.entries())
        if (words.at(-1) === 'peer') expect(thread[at + 1]!.name).toBe('wait');
    });

    test('in tiles each is handed on by itself', () => {
      const tiling = { size: 4, stride: 3 };
      const { error, frames, log } = decode({ begins: [0, 10], latents: 2, ...SIZE, tiling });
      expect([error, frames]).toEqual([null, [1, 4]]);
      const between = copiesIn(partOf(log, 'decoding')).filter(({ from, to }) => from === 0 && to === 1);
      // Two rows of tiles and three columns.
      expect(between).toHaveLength(2 * 6);
    });

    test('latents that are decoded again first pass all parts, and leave no pictures', () => {
      const { error, frames, log } = decode({ begins: [0, 10], latents: 2, ...SIZE, replayed: 3 });
      expect([error, frames]).toEqual([null, [4, 4]]);
      const between = copiesIn(partOf(log, 'decoding')).filter(({ from, to }) => from === 0 && to === 1);
      expect(between).toHaveLength(2);
    });

    test.each([
      { part: 0, at: '0:60' },
      { part: 1, at: '1:90' },
      { part: 2, at: '2:150' },
      { part: 1, at: '1:300' },
    ])('a device that goes away under part $part ends all of them with its error ($at)', ({ part, at }) => {
      const { error } = decode({ begins: [0, 5, 12], latents: LATENTS, ...SIZE }, { STANDIN_CUDA_LOST: at });
      expect(error).toMatchObject({ code: 'E_DEVICE_LOST', exit: 'device' });
      expect(error!.message).toMatch(
        new RegExp(`^part ${part + 1} of 3 of the video decoder: cuda:${part} stopped working while `),
      );
    });

    test('a device that is too small for its part ends all of them with the error of memory', () => {
      const { error } = decode({ begins: [0, 5, 12], latents: LATENTS, ...SIZE }, { STANDIN_CUDA_LIMIT: '1:300000' });
      expect(error).toMatchObject({ code: 'E_DEVICE_MEMORY', exit: 'device' });
      expect(error!.message).toMatch(/^part 2 of 3 of the video decoder: out of memory on cuda:1 while /);
    });
  },
);
