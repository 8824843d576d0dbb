import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Manifest } from '../../runner/checkpoint/manifest.ts';
import { stateName } from '../../runner/checkpoint/names.ts';
import { findNewest } from '../../runner/checkpoint/read.ts';
import { openCheckpointWriter, removeCheckpoints } from '../../runner/checkpoint/write.ts';
import { BLOCK_STATE_ARRAYS } from '../../runner/diffusion/block-state.ts';
import { createSharedMemory, latentElements, type MemoryShape, ownLatents } from '../../runner/pipeline/layout.ts';
import { restore } from '../../runner/pipeline/resume.ts';
import type { Plan } from '../../runner/plan/plan.ts';
import { scheduleOf } from '../../runner/plan/plan-schedule.ts';
import { queueAfter } from '../../runner/plan/schedule.ts';
import { notOfPlan, pipelineState } from '../../runner/resume-film.ts';
import { folderStore } from '../../runner/store/folder.ts';
import { writeJob } from '../faults/film-input.ts';
import { type BenchRow, medianOf } from './bench.ts';

/** Of the stages that the figures are of: one place for all that checkpoints need. */
export const SHAPE: MemoryShape = { width: 1, textTokens: 1, dtype: 'F32', trace: false, cuts: true, device: 'cpu' };
export const FINGERPRINT = { film: {}, model: 'none', stride: 1, engine: 'bench', device: 'bench' };
const TURNS = 5;

/** A run to go on with, and what loading it takes at least. */
export interface Resumed {
  /** Of its pictures, as rows say it. */
  readonly name: string;
  readonly plan: Plan;
  /** Where its checkpoints lie. */
  readonly folder: string;
  /** Of the model's layers, as people have them. */
  readonly weightBytes: number;
  readonly isWanted: boolean;
}

/** Writes a checkpoint with as many blocks in flight as there can be; gives the file of their states. */
async function writeLargest({ plan, folder }: Resumed): Promise<string> {
  const store = folderStore(folder);
  await removeCheckpoints(store);
  const writer = openCheckpointWriter(store, { fingerprint: FINGERPRINT, iterations: plan.iterations }, undefined);
  const iteration = plan.sampling.steps - 2;
  const { started } = queueAfter(scheduleOf(plan), iteration);
  const blocks = Array.from({ length: started }, (_, block) => {
    const state = new Float32Array(ownLatents(plan, block) * latentElements(plan) * BLOCK_STATE_ARRAYS).fill(
      block + 0.5,
    );
    return { block, step: iteration + 1 - plan.stride * block, state };
  });
  await writer.write({ iteration, started, finished: 0, blocks }, { encoder: '', init: null, blocks: [] });
  return join(folder, stateName(iteration));
}

/** What a run that goes on does beside loading: from the folder to memory in which the next block-step can begin, all of it checked. */
async function goOn({ plan, folder }: Resumed): Promise<void> {
  const memory = createSharedMemory(plan, SHAPE);
  const search = { here: FINGERPRINT, notOfPlan: (found: Manifest) => notOfPlan(found, plan), warn: () => undefined };
  const checkpoint = await findNewest(folderStore(folder), search);
  const from = pipelineState(checkpoint!, plan)!;
  await from.fill(restore(memory, plan, scheduleOf(plan), from));
}

/** Reads a file in another thread, as stages load; `body` is done beside it. Milliseconds until both are done. */
async function beside(file: string, body: () => Promise<void>): Promise<number> {
  const thread = new Worker(new URL('./programs/read-whole.ts', import.meta.url), { workerData: file });
  await once(thread, 'message');
  return timed(async () => {
    const isRead = once(thread, 'message');
    thread.postMessage('read');
    await Promise.all([isRead, body()]);
  });
}

/** Time of a new process to its first new block-step, beyond loading and alone, beside reading the states once. */
export async function resumeRows(resumed: Resumed): Promise<readonly BenchRow[]> {
  const { name, folder, weightBytes, isWanted } = resumed;
  const file = await writeLargest(resumed);
  // A file without content comes from memory: no disk loads a model faster.
  const weights = join(folder, 'weights');
  writeFileSync(weights, '');
  truncateSync(weights, weightBytes);
  const [beyond, alone, read]: [number[], number[], number[]] = [[], [], []];
  for (let turn = 0; turn < TURNS; turn++) {
    forget(file);
    read.push(await timed(async () => void readFileSync(file)));
    forget(file);
    alone.push(await timed(() => goOn(resumed)));
    const loading = await beside(weights, async () => undefined);
    forget(file);
    beyond.push(Math.max(0, (await beside(weights, () => goOn(resumed))) - loading));
  }
  rmSync(weights);
  const row = (what: string, figures: readonly number[]) => ({
    ...{ measure: `${name}: from a checkpoint to the first new block-step, ${what}`, unit: 'ms' },
    ...{ ours: medianOf(figures), better: 'lower' as const, peer: 'reading its states once', theirs: medianOf(read) },
  });
  const wanted = row('beyond loading (the weights read from memory)', beyond);
  return [
    { ...wanted, ...(isWanted ? { holds: wanted.ours <= wanted.theirs, threshold: 'no longer' } : {}) },
    row('with no loading beside it', alone),
  ];
}

const TINY_FILM = { frames: 201, steps: 8, every: '0s', stages: 2 };
const TINY_TURNS = 3;
const MOST_TINY_MILLISECONDS = 1000;

/** The tiny model, as a process: when its first new block-step is done, beside one that has nothing to go on with. */
export async function tinyRow(): Promise<BenchRow> {
  const [anew, goingOn]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < TINY_TURNS; turn++) {
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-bench-'));
    const job = writeJob(folder, 'film', join(folder, 'out'), TINY_FILM);
    const first = firstStep(job);
    const second = firstStep(job);
    if (first.iteration !== 1 || second.iteration < 2) throw new Error('the second run has not gone on');
    anew.push(first.milliseconds);
    goingOn.push(second.milliseconds);
    rmSync(folder, { recursive: true });
  }
  const [ours, theirs] = [medianOf(goingOn), medianOf(anew)];
  return {
    ...{ measure: 'tiny model: from the start of a process that goes on to its first new block-step', unit: 'ms' },
    ...{ ours, peer: 'one that begins anew', theirs, better: 'lower' },
    ...{ holds: ours - theirs <= MOST_TINY_MILLISECONDS, threshold: 'at most 1 s longer' },
  };
}

function firstStep(job: string): { readonly milliseconds: number; readonly iteration: number } {
  const program = join(import.meta.dirname, 'programs/first-step.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, job], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the film ended with ${status}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

/** Lets the system forget what it has in memory of a file, as on another machine. */
function forget(file: string): void {
  spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

async function timed(body: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await body();
  return performance.now() - began;
}
