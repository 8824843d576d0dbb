import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { CheckpointRecord } from '#contract/progress.ts';
import { modelInput, tinyModel } from '../test/same-bits/inputs.ts';
import type { Manifest } from './checkpoint/manifest.ts';
import { findNewest } from './checkpoint/read.ts';
import { openFilmCheckpoints } from './film-checkpoints.ts';
import type { PipelineCut } from './pipeline/cut.ts';
import type { FinishedBlock } from './pipeline/watch.ts';
import { folderStore } from './store/folder.ts';
import type { Store } from './store/store.ts';

const { plan } = modelInput(tinyModel(), { stages: 1, steps: 4, frames: 61, blockLatents: 4, contextLatents: 2 });
const fingerprint = { film: { seed: 1 }, model: 'm', stride: 1, engine: 'e', device: 'd' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-film-checkpoints-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const cutAfter = (iteration: number, finished = 0): PipelineCut => ({
  iteration,
  finished,
  started: finished + 1,
  blocks: [{ block: finished, step: 1, state: new Float32Array(8) }],
});

const finishedBlock = (index: number): FinishedBlock => ({
  ...{ index, firstLatent: 0 },
  latents: { shape: [1, 1, 1, 1, 2], data: Float32Array.of(index, 1) },
});

/** A run whose pipeline makes the given cuts, one each time it is asked, and then is over. */
function open(
  more: {
    readonly store?: Partial<Store>;
    readonly everySeconds?: number;
    readonly isHeld?: boolean;
    readonly from?: Manifest;
    readonly seen?: (iterations: number) => void;
  } = {},
) {
  const said: string[] = [];
  const told: unknown[] = [];
  const state = { leaves: false };
  const film = {
    checkHeld: async () => {
      if (more.isHeld === false) throw new Error('another run is here');
    },
    entries: () => ({ encoder: 'ffmpeg', init: null, blocks: [] }),
    leaveBlocks: () => {
      state.leaves = true;
    },
  };
  const checkpoints = openFilmCheckpoints({
    ...{
      store: { ...folderStore(folder), ...more.store },
      film,
      plan,
      fingerprint,
      from: more.from,
    },
    ...{ everySeconds: more.everySeconds ?? 0, stopMilliseconds: 50_000, warn: (text: string) => void said.push(text) },
    ...{
      ...(more.seen === undefined ? {} : { seen: more.seen }),
      written: (made: CheckpointRecord) => void told.push(made),
      failed: (reason: string) => void told.push(reason),
    },
  });
  return { checkpoints, said, told, state };
}

function pipelineOf(...cuts: readonly PipelineCut[]) {
  const left = [...cuts];
  const asked = { isLast: false, times: 0 };
  const next = async () => {
    asked.times += 1;
    return left.shift();
  };
  const endWithNext = () => {
    asked.isLast = true;
  };
  return { asked, cuts: { next, endWithNext, isLastMade: () => false } };
}

const files = () => readdirSync(join(folder, 'checkpoint')).sort();
const full: Partial<Store> = {
  put: async () => {
    throw new Error('no space is left');
  },
};

test('a stop makes a last checkpoint, with the blocks that were finished by then', async () => {
  const { checkpoints, said, told, state } = open({ everySeconds: 1000 });
  const pipeline = pipelineOf(cutAfter(5, 1));
  checkpoints.start(pipeline);
  checkpoints.keep(finishedBlock(0));
  await checkpoints.stop(pipeline);
  expect(pipeline.asked).toEqual({ isLast: true, times: 1 });
  expect([checkpoints.last, state.leaves, said]).toEqual([5, true, []]);
  expect(told).toEqual([{ iteration: 6, time: expect.any(String), bytes: expect.any(Number), location: folder }]);
  expect(files()).toEqual(['after-0000005.json', 'latents-0000000.f32', 'state-0000005.f32']);
});

test('a store that takes nothing is said once, and stops nobody', async () => {
  const { checkpoints, said, told, state } = open({ store: full });
  const pipeline = pipelineOf(cutAfter(1), cutAfter(2), cutAfter(3));
  checkpoints.start(pipeline);
  await vi.waitUntil(() => pipeline.asked.times === 4);
  expect(said).toEqual([
    expect.stringMatching(/^E_CHECKPOINT_UNWRITTEN: no checkpoint after iteration 2: .*no space is left/),
  ]);
  expect([checkpoints.last, state.leaves]).toEqual([undefined, false]);
  expect(told).toEqual(Array(3).fill(expect.stringContaining('no space is left')));
});

test('after latents that could not be kept no checkpoint is made: it would lack them', async () => {
  const { checkpoints, said } = open({ store: full });
  checkpoints.keep(finishedBlock(0));
  checkpoints.keep(finishedBlock(1));
  await checkpoints.settled();
  await checkpoints.stop(pipelineOf(cutAfter(5, 1)));
  expect(said).toEqual([expect.stringMatching(/^E_CHECKPOINT_GIVEN_UP: no more checkpoints are made, /)]);
  expect(checkpoints.last).toBeUndefined();
});

test('a run that has lost its folder writes nothing there any more', async () => {
  const { checkpoints, said } = open({ isHeld: false, everySeconds: 1000 });
  await checkpoints.stop(pipelineOf(cutAfter(1)));
  expect(said).toEqual([expect.stringContaining('another run is here')]);
  expect(readdirSync(folder)).toEqual([]);
});

test('a checkpoint is told of as soon as another run would find it, before its folder is sure to survive a loss of power', async () => {
  const { put } = folderStore(folder);
  const events: string[] = [];
  const slow: Store['put'] = async (name, content, signal, seen) => {
    const stored = await put(name, content, signal, () => {
      if (name.endsWith('.json')) events.push(...files().filter((file) => file.endsWith('.json')));
      seen?.();
    });
    events.push('sure');
    return stored;
  };
  const { checkpoints } = open({
    store: { put: slow },
    seen: (iterations) => void events.push(`told of ${iterations}`),
  });
  await checkpoints.stop(pipelineOf(cutAfter(5)));
  expect(events).toEqual(['sure', 'after-0000005.json', 'told of 6', 'sure']);
});

test('once all blocks are finished, that is a checkpoint too; before, it is none', async () => {
  const { checkpoints } = open();
  await checkpoints.complete();
  expect(checkpoints.last).toBeUndefined();
  for (let block = 0; block < plan.blocks; block++) checkpoints.keep(finishedBlock(block));
  await checkpoints.complete();
  await checkpoints.complete();
  expect(checkpoints.last).toBe(plan.iterations - 1);
});

test('a block made anew that is not the one which was kept ends the checkpoints: none ever names it', async () => {
  const first = open();
  first.checkpoints.keep(finishedBlock(0));
  await first.checkpoints.settled();
  first.checkpoints.start(pipelineOf(cutAfter(5, 1)));
  await vi.waitUntil(() => first.checkpoints.last === 5);
  const { manifest } = (await findNewest(folderStore(folder), {
    here: fingerprint,
    notOfPlan: () => undefined,
    warn: expect.fail,
  }))!;
  const from = { ...manifest, iteration: -1 };
  const same = open({ from });
  same.checkpoints.keep(finishedBlock(0));
  await same.checkpoints.settled();
  expect([same.said, same.checkpoints.last]).toEqual([[], undefined]);
  const other = open({ from });
  other.checkpoints.keep({ ...finishedBlock(1), index: 0 });
  other.checkpoints.start(pipelineOf(cutAfter(7, 1)));
  await other.checkpoints[Symbol.asyncDispose]();
  expect(other.said).toEqual([expect.stringMatching(/^E_CHECKPOINT_GIVEN_UP: .*block 0 is not the same/)]);
  expect(files()).not.toContain('after-0000007.json');
});

test('a left context that is used again leaves nothing to be cut', async () => {
  const reusing = { ...plan, leftContext: 'reuse' } as const;
  const film = { checkHeld: async () => {}, entries: () => expect.fail('asked'), leaveBlocks: () => {} };
  const checkpoints = openFilmCheckpoints({
    ...{ store: folderStore(folder), film, plan: reusing, fingerprint, from: undefined },
    ...{ everySeconds: 0, stopMilliseconds: 50_000, warn: (text: string) => expect.fail(text) },
  });
  const pipeline = pipelineOf(cutAfter(1));
  checkpoints.start(pipeline);
  await checkpoints.complete();
  expect([checkpoints.isOn, pipeline.asked.times]).toEqual([false, 0]);
});

test('a stop waits as long as the run has, once one iteration of 30 s is over and no checkpoint was made yet', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
  onTestFinished(() => void now.mockRestore());
  const { checkpoints } = open({ everySeconds: 3600 });
  checkpoints.start(pipelineOf());
  expect(checkpoints.patience).toBe(20_000);
  // The schedule's last block-step of an iteration is that of its oldest block.
  now.mockReturnValue(21_000);
  checkpoints.stepped({ iteration: 2, block: 1 });
  expect(checkpoints.patience).toBe(20_000);
  now.mockReturnValue(31_000);
  checkpoints.stepped({ iteration: 2, block: 0 });
  expect(checkpoints.patience).toBe(40_000);
});

test('a checkpoint that could not be written says nothing of how long one takes', async () => {
  const { checkpoints, told } = open({ store: full });
  const pipeline = pipelineOf(cutAfter(1));
  checkpoints.start(pipeline);
  checkpoints.stepped({ iteration: 0, block: 0 });
  await vi.waitUntil(() => pipeline.asked.times === 2);
  expect(told).toEqual([expect.stringContaining('no space is left')]);
  expect(checkpoints.patience).toBeGreaterThanOrEqual(20_000);
});
