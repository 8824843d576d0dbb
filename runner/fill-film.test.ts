import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { poisonedModel } from '../test/build/poisoned-model.ts';
import { writeJob } from '../test/faults/film-input.ts';
import type { BlockQueue, BlockQueueOptions } from './block-queue.ts';
import { generate } from './generate.ts';
import type { PaceWatch } from './pace.ts';
import { createTracker } from './report/tracker.ts';
import type { GoingOn } from './runner-io.ts';
import { collectLoadingGarbage } from './thread/loading-garbage.ts';

const seen = vi.hoisted(() => ({ begins: 0, over: 0 }));
vi.mock('./pace.ts', async (original) => {
  const real = await original<{ watchPace: () => PaceWatch }>();
  const watchPace = (): PaceWatch => ({
    ...real.watchPace(),
    begin: () => void seen.begins++,
    iterationOver: () => void seen.over++,
  });
  return { ...real, watchPace };
});

const blocks = vi.hoisted(() => ({ taken: [] as WeakRef<object>[], held: [] as number[] }));
vi.mock('./block-queue.ts', async (original) => {
  const real = await original<{ openBlockQueue: (options: BlockQueueOptions) => BlockQueue }>();
  const openBlockQueue = (options: BlockQueueOptions): BlockQueue => {
    const queue = real.openBlockQueue(options);
    return {
      ...queue,
      async add(block) {
        blocks.taken.push(new WeakRef(block.latents.data));
        await queue.add(block);
        // What a weak reference has told of in this turn stays until its end.
        await new Promise(setImmediate);
        collectLoadingGarbage();
        blocks.held.push(blocks.taken.filter((latents) => latents.deref() !== undefined).length);
      },
    };
  };
  return { ...real, openBlockQueue };
});

const loading = vi.hoisted(() => {
  const began: () => void = () => undefined;
  return { never: false, began };
});
vi.mock('./decode/frames.ts', async (original) => {
  const real = await original<typeof import('./decode/frames.ts')>();
  const openFrameDecoder: typeof real.openFrameDecoder = async (model, options, signal) => {
    loading.began();
    if (!loading.never) return real.openFrameDecoder(model, options, signal);
    await new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    throw new Error('unreachable');
  };
  return { ...real, openFrameDecoder };
});

const folder = mkdtempSync(join(tmpdir(), 'dualparal-fill-film-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a film in this process, and gives all that it has told. */
async function filmOf(name: string, changes: Parameters<typeof writeJob>[3], signal = new AbortController().signal) {
  const tracker = createTracker(Date.now);
  const told: (GoingOn | undefined)[] = [];
  const published = () => void told.push(undefined);
  const resumable = (from: GoingOn | undefined) => void told.push(from);
  const nothing = () => undefined;
  const io = { tracker, changed: nothing, lanes: { read: () => [] }, published, kept: nothing, resumable };
  const job = writeJob(folder, name, join(folder, `${name}-out`), changes);
  const spec = jobSpecSchema.parse(JSON.parse(readFileSync(job, 'utf8')));
  const error: unknown = await generate(spec, io, {}, signal).then(
    () => undefined,
    (reason) => reason,
  );
  return { record: tracker.record(), told, error };
}

test('a film learns its pace of every iteration, and tells of each checkpoint until it is published', async () => {
  const { record, told } = await filmOf('film', { every: '0s' });
  const of = record.iterations;
  expect(seen).toEqual({ begins: 1, over: of });
  const iterations = told.slice(1, -1).map((from) => from?.iteration);
  expect(told).toEqual([undefined, ...iterations.map((iteration) => ({ iteration, of })), undefined]);
  expect(iterations.at(-1)).toBe(of);
});

test('a block that is in the film is kept nowhere else', async () => {
  blocks.taken.length = 0;
  blocks.held.length = 0;
  const { record } = await filmOf('long', { frames: 161, steps: 2 });
  expect([record.blocks, blocks.held.length]).toEqual([20, 20]);
  expect(blocks.held.at(-1)).toBeLessThan(10);
});

describe('while the decoder is still loading', () => {
  beforeEach(() => {
    loading.never = true;
  });
  afterEach(() => {
    loading.never = false;
    loading.began = () => undefined;
  });

  test('a stage that fails ends the film with its error', async () => {
    const model = join(folder, 'poisoned');
    poisonedModel(join(import.meta.dirname, '../models/tiny'), model, {
      ...{ component: 'transformer', tensor: 'blocks.0.ffn.net.0.proj.weight', at: 5, value: Number.NaN },
    });
    const { error } = await filmOf('failing', { model });
    expect(error).toMatchObject({ code: 'E_PIPELINE_NOT_FINITE' });
  });

  test('a stop leaves the checkpoint of what the stages have made', async () => {
    const stop = new AbortController();
    loading.began = () => void setImmediate(() => stop.abort(new Error('stopped')));
    const { error, told, record } = await filmOf('stopped', { every: '3600s', steps: 12 }, stop.signal);
    expect(error).toBe(stop.signal.reason);
    expect(told.at(-1)).toEqual({ iteration: record.iteration, of: record.iterations });
    expect(record.framesReady).toBe(0);
  });
});
