import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sliceGraph } from '../../runner/model/layers.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { buildStandIn, type StandIn, standInObstacle } from './build.ts';
import { unaccounted } from './launches.ts';
import { copiesIn, itemsIn, type LoggedEvent, partOf } from './log.ts';
import type { FilmEnd, FilmTask } from './make-film.ts';
import { runOnStandIn } from './run-program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'standin-film-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const obstacle = standInObstacle();

const STEPS = 3;
/** 16 latents in blocks of 4 behind a first one of 6, so two more are made than are kept; 16 channels of 6 × 8. */
const BLOCKS = 4;
/** Pictures that are large enough for the attention that longer films have, and the tokens of their windows and contexts. */
const LARGE = { width: 128, height: 128 };
const WINDOW = 6 * 64;
const CONTEXT = 2 * 64;
const SAMPLE_BYTES = (6 + 3 * 4) * 16 * 6 * 8 * 4;

describe.skipIf(obstacle !== undefined)(`a film on CUDA that computes nothing (${obstacle ?? 'built here'})`, () => {
  let standIn: StandIn;
  let count = 0;
  beforeAll(() => {
    standIn = buildStandIn();
  }, 600_000);

  /** Makes a film in a process of its own: how it ended, and what the devices were asked for. */
  function makeFilm(task: FilmTask, faults: Readonly<Record<string, string>> = {}) {
    const log = join(scratch, `log-${count++}`);
    return runOnStandIn<FilmEnd>(
      standIn,
      'make-film.ts',
      task,
      { shape: [], layers: [], decodedOn: [] },
      { log, faults },
    );
  }

  /** Where work was done and numbers lay. */
  const devicesOf = (events: readonly LoggedEvent[]) => {
    const worked = events.filter(({ name }) => ['allocate', 'launch', 'product'].includes(name));
    const copied = copiesIn(events).flatMap(({ from, to }) => [from, to]);
    return [...new Set([...worked.map(({ device }) => device), ...copied])].filter((place) => place !== 'host').sort();
  };

  test.each([
    { stages: 1, leftContext: 'recompute' as const },
    { stages: 2, leftContext: 'recompute' as const },
    { stages: 8, leftContext: 'recompute' as const },
    { stages: 1, leftContext: 'reuse' as const },
    { stages: 8, leftContext: 'reuse' as const },
  ])(
    'on $stages devices, left context by $leftContext, it loads every kind of session, and between them it copies hidden states once and nothing by the host',
    ({ stages, leftContext }) => {
      const { error, shape, decodedOn, log } = makeFilm({ stages, steps: STEPS, dtype: 'BF16', leftContext });
      expect(error).toBe(null);
      expect(shape).toEqual([1, 16, 16, 6, 8]);
      expect(devicesOf(partOf(log, 'text'))).toEqual([0]);
      expect(devicesOf(partOf(log, 'decoder'))).toEqual(decodedOn.toSorted());
      expect(decodedOn).toContain(stages - 1);
      const items = itemsIn(partOf(log, 'pipeline'));
      expect(new Set(items.map(({ stage }) => stage)).size).toBe(stages);
      const last = stages - 1;
      for (const { stage, events } of items) {
        // It works on its own device, and reads of others what is handed to it: hidden states, and samples on the first stage.
        expect(new Set(events.map(({ device }) => device))).toEqual(new Set([stage]));
        const between = copiesIn(events).filter(({ from, to }) => from !== to);
        const hops = between.filter(({ from, to }) => from !== 'host' && to !== 'host');
        const byHost = between.filter((copy) => !hops.includes(copy));
        if (stage > 0) expect(hops).toEqual([expect.objectContaining({ from: stage - 1, to: stage })]);
        else expect(hops.every(({ from, to }) => from === last && to === 0)).toBe(true);
        if (stage > 0 && stage < last) expect(byHost).toEqual([]);
      }
      // Of the host: each block's noise, to be denoised and to be updated; a number per block-step; each block's clean sample.
      const bytesOf = (way: 'from' | 'to') =>
        items
          .flatMap(({ events }) => copiesIn(events))
          .filter((copy) => copy[way] === 'host')
          .reduce((sum, copy) => sum + copy.bytes, 0);
      expect(bytesOf('from')).toBe(2 * SAMPLE_BYTES);
      expect(bytesOf('to')).toBe(SAMPLE_BYTES + BLOCKS * STEPS * 4);
    },
  );

  test.each(['recompute', 'reuse'] as const)(
    'a stage between the ends does nothing but what its layers are, and the copy of what comes in: left context by %s',
    (leftContext) => {
      const { config, transformer } = openModel(join(import.meta.dirname, '../../models/tiny'));
      const { layers, log } = makeFilm({ stages: 4, steps: STEPS, dtype: 'BF16', leftContext, size: LARGE });
      const reusesLeft = leftContext === 'reuse';
      const slices = layers.map(([firstLayer, endLayer]) =>
        sliceGraph(config.transformer, transformer.tensors, {
          ...{ attention: 'cuda', dtype: 'BF16', firstLayer, endLayer, contextTokens: CONTEXT, reusesLeft },
        }),
      );
      // A window begins with its left context, unless that is used again; without a right neighbour there is no right one.
      const windows = reusesLeft ? [WINDOW, WINDOW - CONTEXT] : [WINDOW];
      const lengths = windows.flatMap((S) => [0, CONTEXT].map((R) => ({ S, P: WINDOW - S, R, L: 64 })));
      const items = itemsIn(partOf(log, 'pipeline')).filter(({ stage }) => stage === 1 || stage === 2);
      for (const { stage, events } of items) {
        const own = events.filter(({ words }) => words.at(-1) !== 'peer');
        const found = lengths.map((length) => unaccounted(slices[stage]!, length, own));
        expect(found).toContainEqual({ done: [], notDone: [] });
      }
      expect(items.length).toBeGreaterThan(2 * BLOCKS * STEPS);
    },
  );

  test('what an item leaves for the next stage is finished before it is handed on, and read as a whole before it counts as read', () => {
    const { log } = makeFilm({ stages: 2, steps: STEPS, dtype: 'F32' });
    for (const { stage, events } of itemsIn(partOf(log, 'pipeline'))) {
      const names = events.map(({ name }) => name);
      const [work, waits] = [
        names.findLastIndex((name) => name === 'launch' || name === 'product'),
        names.lastIndexOf('wait'),
      ];
      expect(waits).toBeGreaterThan(work);
      if (stage === 0) continue;
      const pulled = events.findIndex(({ words }) => words.at(-1) === 'peer');
      expect(names[pulled + 1]).toBe('wait');
      expect(names.indexOf('launch')).toBeGreaterThan(pulled);
    }
  });

  test('guidance in parallel hands velocities from device to device too', () => {
    const { error, log } = makeFilm({ stages: 4, steps: STEPS, dtype: 'F16', guidanceParallel: true });
    expect(error).toBe(null);
    const hops = itemsIn(partOf(log, 'pipeline'))
      .flatMap(({ events }) => copiesIn(events))
      .filter(({ from, to }) => from !== 'host' && to !== 'host' && from !== to);
    const ways = new Set(hops.map(({ from, to }) => `${from} to ${to}`));
    expect([...ways].sort()).toEqual(['0 to 1', '1 to 0', '1 to 2', '2 to 3', '3 to 1']);
  });

  test('a device that is too small ends the run with the error of memory, and names the stage', () => {
    const { error } = makeFilm({ stages: 4, steps: STEPS, dtype: 'F32' }, { STANDIN_CUDA_LIMIT: '2:300000' });
    expect(error).toMatchObject({ code: 'E_DEVICE_MEMORY', exit: 'device' });
    expect(error!.message).toMatch(/^stage 2 \(layers 4–5 on cuda:2\): out of memory on cuda:2 while /);
  });

  test('one limit holds for all sessions of a device together: four stages on four devices have enough, on one they do not', () => {
    const memoryLimitBytes = 5_250_000;
    const task = { stages: 4, steps: STEPS, dtype: 'BF16', undecoded: true } as const;
    expect(makeFilm({ ...task, memoryLimitBytes }).error).toBe(null);
    const { error, log } = makeFilm({ ...task, oneDevice: true, memoryLimitBytes });
    expect(error).toMatchObject({ code: 'E_DEVICE_MEMORY', exit: 'device' });
    // Weights are never refused: what a stage loads while another computes may lie above the limit, by a little.
    const peak = (of: string) =>
      Math.max(...[...of.matchAll(/allocate \d+ live (\d+)/g)].map((match) => Number(match[1])));
    const unlimited = makeFilm({ ...task, oneDevice: true });
    expect(unlimited.error).toBe(null);
    expect(peak(log)).toBeLessThan((memoryLimitBytes + peak(unlimited.log)) / 2);
  });

  test("what the text encoder took goes back to its device before the stages' layers are loaded", () => {
    const { error, log } = makeFilm({ stages: 2, steps: STEPS, dtype: 'BF16' });
    expect(error).toBe(null);
    const taken = (part: string, event: string) =>
      partOf(log, part)
        .filter(({ name, device }) => name === event && device === 0)
        .map(({ words: [size] }) => Number(size));
    // Two layers of the tiny model are the largest piece of the pipeline's first stage.
    const pipeline = partOf(log, 'pipeline').filter(({ device }) => device === 0);
    const layers = pipeline.findIndex(({ name, words }) => name === 'allocate' && Number(words[0]) > 800_256);
    const freed = pipeline.slice(0, layers).filter(({ name }) => name === 'free');
    const sum = (sizes: readonly number[]) => sizes.reduce((a, b) => a + b, 0);
    const kept = sum(taken('text', 'allocate')) - sum(taken('text', 'free'));
    expect(kept).toBeGreaterThan(0);
    expect(sum(freed.map(({ words: [size] }) => Number(size)))).toBeGreaterThanOrEqual(kept);
  });
});
