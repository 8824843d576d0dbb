import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { writeJob } from '../test/faults/film-input.ts';
import { generate } from './generate.ts';
import type { PaceWatch } from './pace.ts';
import { createTracker } from './report/tracker.ts';
import type { GoingOn } from './runner-io.ts';

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

const folder = mkdtempSync(join(tmpdir(), 'dualparal-fill-film-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a film learns its pace of every iteration, and tells of each checkpoint until it is published', async () => {
  const tracker = createTracker(Date.now);
  const told: (GoingOn | undefined)[] = [];
  const published = () => void told.push(undefined);
  const resumable = (from: GoingOn | undefined) => void told.push(from);
  const nothing = () => undefined;
  const io = { tracker, changed: nothing, lanes: { read: () => [] }, published, kept: nothing, resumable };
  const job = writeJob(folder, 'film', join(folder, 'out'), { every: '0s' });
  const spec = jobSpecSchema.parse(JSON.parse(readFileSync(job, 'utf8')));
  await generate(spec, io, {}, new AbortController().signal);
  const of = tracker.record().iterations;
  expect(seen).toEqual({ begins: 1, over: of });
  const iterations = told.slice(1, -1).map((from) => from?.iteration);
  expect(told).toEqual([undefined, ...iterations.map((iteration) => ({ iteration, of })), undefined]);
  expect(iterations.at(-1)).toBe(of);
});
