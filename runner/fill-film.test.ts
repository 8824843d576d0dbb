import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
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

const folder = mkdtempSync(join(tmpdir(), 'dualparal-fill-film-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a film in this process, and gives all that it has told. */
async function filmOf(name: string, changes: Parameters<typeof writeJob>[3]) {
  const tracker = createTracker(Date.now);
  const told: (GoingOn | undefined)[] = [];
  const published = () => void told.push(undefined);
  const resumable = (from: GoingOn | undefined) => void told.push(from);
  const nothing = () => undefined;
  const io = { tracker, changed: nothing, lanes: { read: () => [] }, published, kept: nothing, resumable };
  const job = writeJob(folder, name, join(folder, `${name}-out`), changes);
  const spec = jobSpecSchema.parse(JSON.parse(readFileSync(job, 'utf8')));
  await generate(spec, io, {}, new AbortController().signal);
  return { record: tracker.record(), told };
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
