/** Going on with a film that an earlier run has begun: where its checkpoint lies, and what the engine needs of it. */
import { CodedError, toErrorRecord } from '#contract/error.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import { clearLeft } from './checkpoint/clear.ts';
import { copyKeptLatents } from './checkpoint/copy.ts';
import { isPassedOver, notTheSame, warningOf } from './checkpoint/errors.ts';
import { isKeptAlone, type Manifest } from './checkpoint/manifest.ts';
import {
  type Checkpoint,
  type CheckpointSearch,
  findKept,
  findNewest,
  newestIteration,
  readCheckpoint,
  readKeptLatents,
} from './checkpoint/read.ts';
import { removeCheckpoints } from './checkpoint/write.ts';
import { type ResumePoint, replayStart } from './decode/replay.ts';
import { joinLatents, sliceLatents } from './latents.ts';
import type { VaeConfig } from './model/config.ts';
import { copyBlocks } from './output/stored-blocks.ts';
import type { ResumeState } from './pipeline/resume.ts';
import { blockSpan } from './plan/blocks.ts';
import type { Plan } from './plan/plan.ts';
import { scheduleOf } from './plan/plan-schedule.ts';
import { queueAfter } from './plan/schedule.ts';
import { attemptFolders } from './pod-folder.ts';
import { openStore } from './store/open.ts';
import type { Store } from './store/store.ts';
import { bytesOf, type F32Tensor } from './tensor.ts';

/** How a film's checkpoint is looked for. */
export interface Search extends CheckpointSearch {
  /** Begin anew, whatever there is. */
  readonly fresh: boolean;
  /** Replace the checkpoint of another film. */
  readonly overwrite: boolean;
}

/**
 * The checkpoint to go on with: the film's own, else the newest of an earlier attempt, whose clean latents and encoded blocks are copied
 * to the film's store; else the clean latents of finished blocks that are left. Throws `E_CHECKPOINT_OTHER` where that holds the checkpoint of another film.
 */
export async function findCheckpoint(
  store: Store,
  { output }: Pick<JobSpec, 'output'>,
  { fresh, overwrite, ...search }: Search,
): Promise<Checkpoint | undefined> {
  if (fresh) {
    await removeCheckpoints(store);
    return undefined;
  }
  try {
    const own = await findNewest(store, search);
    if (own !== undefined) return own;
  } catch (error) {
    if (!overwrite || !(error instanceof CodedError) || error.code !== 'E_CHECKPOINT_OTHER') throw error;
    await removeCheckpoints(store);
    return undefined;
  }
  const earlier = output.earlier === undefined ? [] : [output.folder, ...output.earlier];
  return (
    (await fromEarlier(store, earlier, search, findNewest)) ??
    (await findKept(store, search)) ??
    (await fromEarlier(store, earlier, search, findKept))
  );
}

/** A checkpoint that cannot be had from there is not worth an attempt. */
async function fromEarlier(
  store: Store,
  jobs: readonly string[],
  search: CheckpointSearch,
  find: typeof findNewest,
): Promise<Checkpoint | undefined> {
  const { warn } = search;
  const found: { readonly from: Store; readonly iteration: number }[] = [];
  for (const folder of await attemptFolders(jobs, warn)) {
    const from = openStore(folder);
    if (from.location === store.location) continue;
    const iteration = await newestIteration(from).catch(() => undefined);
    if (iteration !== undefined) found.push({ from, iteration });
  }
  for (const { from } of found.sort((a, b) => b.iteration - a.iteration)) {
    try {
      const checkpoint = await takeOver(from, store, search, find);
      if (checkpoint !== undefined) return checkpoint;
    } catch (error) {
      warn(`the checkpoint of an earlier attempt in ${from.location} is not used: ${toErrorRecord(error).message}`);
    }
  }
  return undefined;
}

/** The newest checkpoint there whose clean latents can be had, with those and the encoded blocks copied. */
async function takeOver(
  from: Store,
  to: Store,
  search: CheckpointSearch,
  find: typeof findNewest,
): Promise<Checkpoint | undefined> {
  const passedOver = new Set(search.passedOver);
  for (;;) {
    const checkpoint = await find(from, { ...search, passedOver });
    if (checkpoint === undefined) return undefined;
    try {
      await copyKeptLatents(checkpoint, to);
      await copyBlocks(from, to, checkpoint.manifest.segments.blocks.length);
      return checkpoint;
    } catch (error) {
      if (!isPassedOver(error)) throw error;
      search.warn(warningOf(error));
      passedOver.add(checkpoint.path);
    }
  }
}

/** What attempts before this one have left to go on from goes with the end of the film. What cannot be removed is said. */
export async function clearEarlier(
  store: Store,
  { output }: Pick<JobSpec, 'output'>,
  warn: (text: string) => void,
): Promise<void> {
  if (output.earlier === undefined) return;
  for (const folder of await attemptFolders([output.folder, ...output.earlier], warn)) {
    const from = openStore(folder);
    if (from.location === store.location) continue;
    try {
      await clearLeft(from);
    } catch (error) {
      warn(`the checkpoints of an earlier attempt in ${from.location} stay: ${toErrorRecord(error).message}`);
    }
  }
}

/** Where a run goes on, for whoever watches it. */
export function describeCheckpoint(checkpoint: Checkpoint, encoded: number, { blocks }: Pick<Plan, 'blocks'>): string {
  const { iteration, iterations, finished, writtenAt } = checkpoint.manifest;
  const state = `${finished.length} of ${blocks} blocks were finished, ${encoded} of them encoded`;
  if (isKeptAlone(checkpoint.manifest)) return `beginning anew, but with the finished blocks that are left: ${state}`;
  return `going on after iteration ${iteration + 1} of ${iterations}, as of ${writtenAt}: ${state}`;
}

/**
 * Why a checkpoint is none of a plan's run: one that named a block too few or too many would be gone on with to another film. Undefined where the
 * blocks that it names are those of its iteration.
 */
export function notOfPlan({ iteration, finished, noisePosition, state }: Manifest, plan: Plan): string | undefined {
  const after = queueAfter(scheduleOf(plan), iteration);
  const wanted = Array.from({ length: after.started - after.finished }, (_, index) => after.finished + index);
  const isOfPlan =
    iteration < plan.iterations &&
    finished.length === after.finished &&
    noisePosition === after.started &&
    state.blocks.length === wanted.length &&
    state.blocks.every(
      ({ block, step }, index) => block === wanted[index] && step === iteration + 1 - plan.stride * block,
    );
  return isOfPlan ? undefined : `the blocks that it names are not those of a run after iteration ${iteration + 1}`;
}

/** What the pipeline goes on with; undefined where all blocks are finished, or where it begins anew. */
export function pipelineState(checkpoint: Checkpoint, plan: Pick<Plan, 'blocks'>): ResumeState | undefined {
  const { iteration, finished } = checkpoint.manifest;
  if (finished.length === plan.blocks || isKeptAlone(checkpoint.manifest)) return undefined;
  return { iteration, fill: (places) => readCheckpoint(checkpoint, places) };
}

/** A finished block's clean latents `[1, C, F, h, w]`. Throws `E_CHECKPOINT_PASSED_OVER`. */
export async function keptBlock(checkpoint: Checkpoint, plan: Plan, index: number): Promise<F32Tensor> {
  const data = await readKeptLatents(checkpoint, index);
  const { latents } = checkpoint.manifest.finished[index]!;
  return { shape: [1, plan.latentChannels, latents, plan.latentHeight, plan.latentWidth], data };
}

/** Where the decoder goes on once `encoded` blocks are encoded: with the latents that restore its states. */
export async function decoderPoint(
  checkpoint: Checkpoint,
  plan: Plan,
  vae: VaeConfig,
  encoded: number,
): Promise<ResumePoint> {
  if (encoded === 0) return { next: 0, before: null };
  const next = blockSpan(plan, encoded).firstLatent;
  const start = replayStart(vae, next);
  const parts: F32Tensor[] = [];
  let first = next;
  for (let block = encoded - 1; block >= 0 && first > start; block--) {
    parts.unshift(await keptBlock(checkpoint, plan, block));
    first = blockSpan(plan, block).firstLatent;
  }
  return { next, before: sliceLatents(joinLatents(parts), start - first, next - start) };
}

/** Throws `E_CHECKPOINT_PASSED_OVER` where a block that is made anew is not the one that was kept: one of them is wrong. */
export async function checkKept(
  checkpoint: Checkpoint,
  index: number,
  { latents }: { readonly latents: F32Tensor },
): Promise<void> {
  const kept = await readKeptLatents(checkpoint, index);
  if (Buffer.compare(bytesOf(kept), bytesOf(latents.data)) !== 0) throw notTheSame(checkpoint.path, index);
}

/** Block-steps that were made by then. */
export function blockStepsBefore(checkpoint: Checkpoint, { sampling }: Pick<Plan, 'sampling'>): number {
  if (isKeptAlone(checkpoint.manifest)) return 0;
  const { finished, state } = checkpoint.manifest;
  return finished.length * sampling.steps + state.blocks.reduce((sum, { step }) => sum + step, 0);
}
