import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDice } from '../../test/faults/dice.ts';
import { storeError } from '../store/errors.ts';
import { folderStore } from '../store/folder.ts';
import type { Store } from '../store/store.ts';
import type { F32Tensor } from '../tensor.ts';
import { isPassedOver } from './errors.ts';
import type { Fingerprint } from './fingerprint.ts';
import { findKept, findNewest, readCheckpoint, readKeptLatents, verifyCheckpoints } from './read.ts';
import { type CheckpointWriter, openCheckpointWriter, removeCheckpoints } from './write.ts';

const HERE: Fingerprint = {
  film: { seed: 42, sampling: { steps: 6 } },
  model: 'a model',
  stride: 1,
  engine: 'dualparal 1',
  device: 'cpu x',
};
const RUN = { fingerprint: HERE, iterations: 12 };
const SEGMENTS = { encoder: 'ffmpeg', init: null, blocks: [] };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-checkpoint-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const numbers = (count: number, seed: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i + seed));
const latents = (block: number): F32Tensor => ({ shape: [1, 2, 3, 2, 2], data: numbers(24, block) });

/** A cut after an iteration: as many blocks are finished, two more in flight. */
function cutAfter(iteration: number) {
  const finished = iteration;
  const blocks = [0, 1].map((index) => ({
    block: finished + index,
    step: 5 - index,
    state: numbers(96, 100 * iteration + index),
  }));
  return { iteration, finished, started: finished + 2, blocks };
}

async function write(writer: CheckpointWriter, iteration: number): Promise<void> {
  while (writer.kept < iteration) await writer.keep(latents(writer.kept));
  await writer.write(cutAfter(iteration), SEGMENTS);
}

async function written(...iterations: readonly number[]) {
  const store = folderStore(folder);
  const writer = openCheckpointWriter(store, RUN, undefined);
  for (const iteration of iterations) await write(writer, iteration);
  return store;
}

/** As a run goes on: from the newest that turns out to be whole, its states read to where they are wanted. */
async function readNewest(store: Store, here: Fingerprint, warn: (text: string) => void) {
  const passedOver = new Set<string>();
  for (;;) {
    const checkpoint = await findNewest(store, { here, notOfPlan, passedOver, warn });
    if (checkpoint === undefined) return undefined;
    const { blocks } = checkpoint.manifest.state;
    const states = new Map(blocks.map(({ block, bytes }) => [block, new Float32Array(bytes / 4)]));
    const lastFinished = new Float32Array(latents(0).data.length);
    try {
      await readCheckpoint(checkpoint, { state: (block) => states.get(block)!, lastFinished });
      return { ...checkpoint, states, lastFinished };
    } catch (error) {
      if (!isPassedOver(error)) throw error;
      warn(error.message);
      passedOver.add(checkpoint.path);
    }
  }
}

/** These checkpoints are of no plan. */
const notOfPlan = () => undefined;
const files = () => readdirSync(join(folder, 'checkpoint')).sort();
const noWarning = (text: string) => expect.fail(text);

describe('a checkpoint', () => {
  test('is read as it was written: states, latents, and where the run was', async () => {
    const store = await written(3);
    const checkpoint = (await readNewest(store, HERE, noWarning))!;
    const { blocks } = cutAfter(3);
    expect([...checkpoint.states]).toEqual(blocks.map(({ block, state }) => [block, state]));
    expect(checkpoint.manifest).toMatchObject({ iteration: 3, iterations: 12, noisePosition: 5, segments: SEGMENTS });
    expect(checkpoint.manifest.state.blocks.map(({ block, step }) => [block, step])).toEqual([
      [3, 5],
      [4, 4],
    ]);
    expect(checkpoint.lastFinished).toEqual(latents(2).data);
    for (const block of [0, 1, 2]) expect(await readKeptLatents(checkpoint, block)).toEqual(latents(block).data);
  });

  test('is the newest of two, and no older one is kept; latents are written once', async () => {
    const store = await written(1, 2, 4);
    expect(files()).toEqual([
      ...['after-0000002.json', 'after-0000004.json'],
      ...[0, 1, 2, 3].map((block) => `latents-000000${block}.f32`),
      ...['state-0000002.f32', 'state-0000004.f32'],
    ]);
    expect((await readNewest(store, HERE, noWarning))!.manifest.iteration).toBe(4);
  });

  test('is gone on with: the next run removes what is older, and knows what is kept', async () => {
    const store = await written(1, 2);
    const { manifest } = (await readNewest(store, HERE, noWarning))!;
    const writer = openCheckpointWriter(store, RUN, manifest);
    expect(writer.kept).toBe(2);
    // States whose manifest a killed run has not come to.
    writeFileSync(join(folder, 'checkpoint/state-0000009.f32'), 'half');
    await write(writer, 3);
    expect(files().filter((name) => !name.startsWith('latents'))).toEqual([
      ...['after-0000002.json', 'after-0000003.json', 'state-0000002.f32', 'state-0000003.f32'],
    ]);
    await write(writer, 5);
    expect((await readNewest(store, HERE, noWarning))!.manifest.finished.length).toBe(5);
    await removeCheckpoints(store);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is not written where latents of a block that it counts as finished are not kept', async () => {
    const store = folderStore(folder);
    const writer = openCheckpointWriter(store, RUN, undefined);
    await writer.keep(latents(0));
    await expect(writer.write(cutAfter(2), SEGMENTS)).rejects.toThrow(/2 blocks are finished, .* of 1 are kept/);
    expect(files()).toEqual(['latents-0000000.f32']);
  });

  test('that names other blocks than a run of the plan has then is passed over', async () => {
    const store = await written(1, 2);
    const said: string[] = [];
    const search = { here: HERE, warn: (text: string) => said.push(text) };
    const found = await findNewest(store, {
      ...search,
      notOfPlan: ({ iteration }) => (iteration === 2 ? 'no' : undefined),
    });
    expect([found?.manifest.iteration, said]).toEqual([
      1,
      [expect.stringMatching(/after-0000002.json is passed over: no$/)],
    ]);
  });

  test('of another film is refused by the names of the fields that differ', async () => {
    const store = await written(2);
    const other = { ...HERE, film: { seed: 7, sampling: { steps: 6 } } };
    await expect(readNewest(store, other, noWarning)).rejects.toMatchObject({
      code: 'E_CHECKPOINT_OTHER',
      message: expect.stringContaining('seed (42 there, 7 here)'),
    });
  });

  test.each(['model', 'stride', 'engine', 'device'] as const)(
    'of another %s is passed over, and that is said',
    async (field) => {
      const store = await written(2);
      const said: string[] = [];
      const here = { ...HERE, [field]: field === 'stride' ? 2 : 'another' };
      expect(await readNewest(store, here, (text) => said.push(text))).toBeUndefined();
      expect(said).toEqual([expect.stringContaining(`${field} (`)]);
    },
  );

  test('is absent from a folder that has none, or is not there', async () => {
    expect(await readNewest(folderStore(folder), HERE, noWarning)).toBeUndefined();
    expect(await verifyCheckpoints(folderStore(join(folder, 'nowhere')))).toEqual([]);
  });
});

/** The same checkpoints in memory: thousands of damages are looked at in no time. */
async function inMemory(...iterations: readonly number[]) {
  const disk = await written(...iterations);
  const contents = new Map(
    files().map((name) => [`checkpoint/${name}`, readFileSync(join(folder, 'checkpoint', name))]),
  );
  const get = async (name: string) => {
    const bytes = contents.get(name);
    if (bytes === undefined) throw storeError('E_STORE_MISSING', { path: name });
    return bytes;
  };
  const store: Store = {
    ...disk,
    get,
    list: async (prefix) => [...contents.keys()].filter((name) => name.startsWith(prefix)).sort(),
    look: async (name) => (contents.has(name) ? { bytes: contents.get(name)!.byteLength } : 'nothing'),
    readInto: async (name, start, to) => {
      const bytes = (await get(name)).subarray(start, start + to.byteLength);
      to.set(bytes);
      return bytes.byteLength;
    },
  };
  return { contents, store };
}

describe('damage', () => {
  /** Which iteration is gone on with, and how often something was passed over. */
  async function outcome(store: Store) {
    let said = 0;
    const checkpoint = await readNewest(store, HERE, () => {
      said += 1;
    });
    if (checkpoint !== undefined) {
      const { blocks } = cutAfter(checkpoint.manifest.iteration);
      expect([...checkpoint.states]).toEqual(blocks.map(({ block, state }) => [block, state]));
      for (const block of checkpoint.manifest.finished.keys()) {
        expect(await readKeptLatents(checkpoint, block)).toEqual(latents(block).data);
      }
    }
    return { iteration: checkpoint?.manifest.iteration, said };
  }

  test('of any single byte of the newest manifest leads to the one before', async () => {
    const { contents, store } = await inMemory(2, 4);
    const newest = 'checkpoint/after-0000004.json';
    const bytes = contents.get(newest)!;
    expect(await outcome(store)).toEqual({ iteration: 4, said: 0 });
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      contents.set(newest, damaged);
      expect(await outcome(store), `byte ${at}`).toEqual({ iteration: 2, said: 1 });
    }
  });

  test('of the newest states leads to the one before, of latents to one that does not need them, else to none', async () => {
    const { contents, store } = await inMemory(2, 4);
    const whole = new Map(contents);
    const state = 'checkpoint/state-0000004.f32';
    contents.set(state, contents.get(state)!.subarray(0, 100));
    expect(await outcome(store)).toEqual({ iteration: 2, said: 1 });
    contents.delete(state);
    expect(await outcome(store)).toEqual({ iteration: 2, said: 1 });
    contents.set(state, whole.get(state)!);
    contents.delete('checkpoint/latents-0000003.f32');
    expect(await outcome(store)).toEqual({ iteration: 2, said: 1 });
    contents.set('checkpoint/latents-0000000.f32', whole.get('checkpoint/latents-0000000.f32')!.subarray(1));
    expect(await outcome(store)).toEqual({ iteration: undefined, said: 2 });
  });

  const DAMAGES = 2000;

  test(`at ${DAMAGES} random places never gives other numbers than were written`, async () => {
    const { contents, store } = await inMemory(2, 4);
    const dice = createDice(20);
    const whole = new Map(contents);
    const seen = new Set<number | undefined>();
    for (let time = 0; time < DAMAGES; time++) {
      const name = dice.pick([...whole.keys()]);
      const bytes = Buffer.from(whole.get(name)!);
      const at = dice.between(0, bytes.length - 1);
      const end = Math.min(bytes.length, at + dice.between(1, 8));
      for (let next = at; next < end; next++) bytes[next] = dice.between(0, 255);
      contents.set(name, dice.share() < 0.2 ? bytes.subarray(0, at) : bytes);
      seen.add((await outcome(store)).iteration);
      contents.set(name, whole.get(name)!);
    }
    // Latents of blocks 0 and 1 are in both.
    expect(seen).toEqual(new Set([2, 4, undefined]));
  });

  test('of all states leaves the finished blocks, up to the first whose latents are damaged too', async () => {
    const { contents, store } = await inMemory(2, 4);
    const keptIn = async () => (await findKept(store, { here: HERE }))?.manifest;
    for (const name of ['state-0000002.f32', 'state-0000004.f32']) contents.delete(`checkpoint/${name}`);
    expect(await outcome(store)).toEqual({ iteration: undefined, said: 2 });
    expect(await keptIn()).toMatchObject({ iteration: -1, noisePosition: 0, state: { bytes: 0, blocks: [] } });
    expect((await keptIn())!.finished).toHaveLength(4);
    const third = contents.get('checkpoint/latents-0000002.f32')!;
    third[5]! ^= 1;
    expect((await keptIn())!.finished).toHaveLength(2);
    contents.delete('checkpoint/latents-0000000.f32');
    expect(await keptIn()).toBeUndefined();
    expect(await findKept((await inMemory(6)).store, { here: { ...HERE, model: 'another' } })).toBeUndefined();
  });

  test('is shown with its reason', async () => {
    await written(2, 4);
    truncateSync(join(folder, 'checkpoint/state-0000004.f32'), 0);
    const found = await verifyCheckpoints(folderStore(folder));
    expect(found.map(({ name, problem }) => [name, problem === undefined])).toEqual([
      ['checkpoint/after-0000004.json', false],
      ['checkpoint/after-0000002.json', true],
    ]);
  });
});

test('a manifest whose digest is right and whose content is not is no crash', async () => {
  await written(2);
  const path = join(folder, 'checkpoint/after-0000002.json');
  for (const line of ['null', '7', '{"format":1}', '{"format":99}', '']) {
    writeFileSync(path, `${line}\n${createHash('sha256').update(line).digest('hex')}\n`);
    const found = await verifyCheckpoints(folderStore(folder));
    expect(found[0]!.problem, line).toBeDefined();
  }
});

test('a store that fills up keeps the checkpoints before', async () => {
  const store = await written(2);
  const full = {
    ...store,
    put: (name: string, content: Parameters<typeof store.put>[1]) => {
      if (name.endsWith('.json')) throw new Error('no space is left');
      return store.put(name, content);
    },
  };
  const { manifest } = (await readNewest(store, HERE, noWarning))!;
  await expect(write(openCheckpointWriter(full, RUN, manifest), 3)).rejects.toThrow('no space');
  expect((await readNewest(store, HERE, noWarning))!.manifest.iteration).toBe(2);
});
