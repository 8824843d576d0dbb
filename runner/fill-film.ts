import type { JobSpec } from '#contract/job-spec.ts';
import type { BegunFilm } from './begin-film.ts';
import { type BlockQueue, openBlockQueue } from './block-queue.ts';
import { type FrameDecoder, openFrameDecoder, placeParts } from './decode/frames.ts';
import type { ResumePoint } from './decode/replay.ts';
import { TILING } from './decode/tiles.ts';
import type { FilmCheckpoints } from './film-checkpoints.ts';
import type { LatentsFile } from './latents-file.ts';
import { type LimitShares, shareLimits } from './memory-plan.ts';
import { FLOAT_TYPES } from './model/float-types.ts';
import { openPipeline, type Pipeline, type PipelineInput } from './pipeline/driver.ts';
import type { PipelineEvent } from './pipeline/watch.ts';
import { type PreparedJob, promptsOf } from './prepare.ts';
import type { Tracker } from './report/tracker.ts';
import { blockStepsBefore, checkKept, decoderPoint, keptBlock, pipelineState } from './resume-film.ts';
import type { RunnerIo } from './runner-io.ts';
import type { F32Tensor } from './tensor.ts';
import { encodePrompts } from './text/encode.ts';
import { collectLoadingGarbage } from './thread/loading-garbage.ts';

/** What is to be made, and where else its latents go. */
export interface FilmToFill {
  readonly spec: JobSpec;
  readonly job: PreparedJob;
  readonly latents: LatentsFile | undefined;
}

/**
 * Makes all blocks that an earlier run has not; no thread is left when it resolves or throws. Throws `E_CHECKPOINT_PASSED_OVER` where what
 * that has left turns out to be damaged, which is found before anything is computed from it.
 */
export async function fillFilm(begun: BegunFilm, what: FilmToFill, io: RunnerIo, signal: AbortSignal): Promise<void> {
  const { film, checkpoint, encoded, checkpoints } = begun;
  const { spec, job, latents } = what;
  const { plan, model } = job;
  const limits = shareLimits(job.devices, job.memory);
  const finished = checkpoint?.manifest.finished.length ?? 0;
  await showKept(begun, what, io);
  if (encoded === plan.blocks) return;
  const isDenoised = finished === plan.blocks;
  const [conditional, unconditional = null] = isDenoised ? [] : await encode(spec, job, io, signal);
  enter(io, 'Loading');
  const point = checkpoint && (await decoderPoint(checkpoint, plan, model.config.vae, encoded));
  const taker: BlockTaker = {
    finished,
    openDecoder: (stop) => openDecoder(spec, job, limits, { from: point, signal: stop }),
    openQueue: (decoder) =>
      openBlockQueue({
        decoder,
        film,
        patience: job.patience,
        async stored({ index, latents: clean }) {
          io.tracker.frames(film.framesReady);
          io.changed();
          if (index >= finished) await latents?.add(clean);
        },
      }),
    async addKept(queue) {
      for (let index = encoded; checkpoint !== undefined && index < finished; index++) {
        await queue.add({ index, firstLatent: 0, latents: await keptBlock(checkpoint, plan, index) });
      }
    },
  };
  await using _ = checkpoints;
  if (isDenoised) await takeKept(taker, signal);
  else {
    const from = checkpoint && pipelineState(checkpoint, plan);
    const input = { plan, model, devices: limits.stages, noise: job.noise, conditional: conditional!, unconditional };
    await using pipeline = await openStoppable(
      {
        ...input,
        ...{ from, onEvent: (event) => note(event, io.tracker, checkpoints) },
        ...(checkpoints.isOn ? { onFinished: checkpoints.keep } : {}),
        options: { patience: job.patience, cuts: checkpoints.isOn },
      },
      signal,
    );
    io.lanes.read = pipeline.lanes;
    enter(io, 'Denoising');
    await takeBlocks(pipeline, begun, taker, signal);
  }
  await checkpoints.complete();
}

/** Shows how far the earlier run had come, and hands its latents to whoever wants all of them. */
async function showKept(
  { film, checkpoint }: Pick<BegunFilm, 'film' | 'checkpoint'>,
  { job: { plan }, latents }: FilmToFill,
  { tracker, changed }: RunnerIo,
): Promise<void> {
  if (checkpoint === undefined) return tracker.goesOn(0, 0, 0);
  const { iteration, finished } = checkpoint.manifest;
  for (let block = 0; latents !== undefined && block < finished.length; block++) {
    await latents.add(await keptBlock(checkpoint, plan, block));
  }
  tracker.goesOn(blockStepsBefore(checkpoint, plan), iteration + 1, iteration < 0 ? 0 : finished.length);
  tracker.frames(film.framesReady);
  changed();
}

/** Who takes blocks: those that are kept come first. */
interface BlockTaker {
  /** So many are kept. */
  readonly finished: number;
  readonly openDecoder: (signal: AbortSignal) => Promise<FrameDecoder>;
  readonly openQueue: (decoder: FrameDecoder) => BlockQueue;
  readonly addKept: (queue: BlockQueue) => Promise<void>;
}

/** Where all blocks are kept. */
async function takeKept({ openDecoder: open, openQueue, addKept }: BlockTaker, signal: AbortSignal): Promise<void> {
  await using decoder = await open(signal);
  const queue = openQueue(decoder);
  try {
    await addKept(queue);
    await queue.finish();
  } finally {
    await queue.settled();
  }
}

/**
 * Takes the blocks as they leave the pipeline; those that were taken are stored, also where a later one cannot be made. The decoder is
 * opened behind the stages: they are at work meanwhile, and what it loads later comes to lie in its own memory (`ort/arena.ts`).
 */
async function takeBlocks(
  pipeline: Pipeline,
  { checkpoint, checkpoints }: Pick<BegunFilm, 'checkpoint' | 'checkpoints'>,
  { openDecoder: open, openQueue, addKept, finished }: BlockTaker,
  signal: AbortSignal,
): Promise<void> {
  const blocks = pipeline.finishedBlocks();
  checkpoints.start(pipeline);
  const { failed } = pipeline;
  await using opening = openingOf(open, signal);
  let queue: BlockQueue | undefined;
  try {
    queue = openQueue(await unlessStopped(opening.decoder, [signal, failed]));
    collectLoadingGarbage();
    await unlessStopped(addKept(queue), [signal, queue.failed, failed]);
    for (;;) {
      const { done, value: block } = await unlessStopped(blocks.next(), [signal, queue.failed]);
      if (done === true) return await queue.finish();
      if (block.index < finished) await checkKept(checkpoint!, block.index, block);
      else await queue.add(block);
      await checkpoints.settled();
    }
  } catch (error) {
    const isLast = signal.aborted && checkpoints.isOn;
    // The time of a stop is short: nothing waits for the decoder's end but what ends with it.
    await Promise.all([queue?.settled(), isLast && stopAfterCheckpoint(pipeline, blocks, checkpoints)]);
    throw error;
  }
}

/** A decoder that is being opened. Disposing it ends that, and the decoder that has come of it. */
function openingOf(open: BlockTaker['openDecoder'], signal: AbortSignal) {
  const ending = new AbortController();
  const decoder = open(AbortSignal.any([signal, ending.signal]));
  const dispose = async () => {
    ending.abort();
    await decoder.then(
      (opened) => opened[Symbol.asyncDispose](),
      () => undefined,
    );
  };
  return { decoder, [Symbol.asyncDispose]: dispose };
}

/** A pipeline that a stop ends while it loads; later it is for whoever holds it to end it. */
async function openStoppable(input: PipelineInput, signal: AbortSignal): Promise<Pipeline> {
  if (input.options?.cuts !== true) return openPipeline(input, signal);
  const loading = new AbortController();
  const stop = () => loading.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  try {
    return await openPipeline(input, loading.signal);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The promise's value, unless one of the signals comes first. */
async function unlessStopped<T>(value: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signals.find(({ aborted }) => aborted)?.reason);
  if (signals.some(({ aborted }) => aborted)) stop();
  for (const signal of signals) signal.addEventListener('abort', stop);
  try {
    return await Promise.race([value, stopped.promise]);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', stop);
  }
}

/** The pipeline goes on to the end of its iteration; for that its finished blocks must be taken, which are kept already. */
async function stopAfterCheckpoint(
  pipeline: Pipeline,
  blocks: ReturnType<Pipeline['finishedBlocks']>,
  checkpoints: FilmCheckpoints,
): Promise<void> {
  const drain = async () => {
    while ((await blocks.next()).done !== true);
  };
  // It ends with the pipeline.
  drain().catch(() => undefined);
  await checkpoints.stop(pipeline);
}

/** Shows that a phase begins. */
export function enter(io: RunnerIo, phase: Parameters<Tracker['phase']>[0]): void {
  io.tracker.phase(phase);
  io.changed();
}

function note(event: PipelineEvent, tracker: Tracker, checkpoints: Pick<FilmCheckpoints, 'stepped'>): void {
  if (event.kind === 'blockStep') {
    checkpoints.stepped(event);
    tracker.blockStep(event.done, event.iteration + 1);
  } else if (event.kind === 'blockFinished') tracker.blockFinished(event.block + 1);
}

/** One embedding per branch of the plan; the encoder is gone when this resolves. */
async function encode(
  spec: JobSpec,
  { model, devices, plan, patience, textCacheFolder: cacheFolder }: PreparedJob,
  io: RunnerIo,
  signal: AbortSignal,
): Promise<readonly F32Tensor[]> {
  enter(io, 'Encoding');
  const text = { config: model.config.text, weights: model.text, tokenizerFolder: model.tokenizerFolder };
  const options = {
    maxSequenceLength: plan.sampling.textTokens,
    device: devices[0]!,
    dtype: FLOAT_TYPES[plan.precision.sampling],
    patience,
    ...(cacheFolder === undefined ? {} : { cacheFolder }),
  };
  const { embeddings, warnings } = await encodePrompts(text, promptsOf(spec, plan), options, signal);
  for (const warning of warnings) io.tracker.warn(warning);
  return embeddings;
}

/** The decoder's parts share the devices of stages. */
function openDecoder(
  { decoding }: JobSpec,
  { model, plan, patience }: PreparedJob,
  { decoders: devices }: LimitShares,
  { from, signal }: { readonly from: ResumePoint | undefined; readonly signal: AbortSignal },
): Promise<FrameDecoder> {
  const { latentHeight, latentWidth, decoderParts, precision } = plan;
  return openFrameDecoder(
    { config: model.config.vae, weights: model.vae },
    {
      parts: placeParts(decoderParts, devices),
      latentHeight,
      latentWidth,
      patience,
      ...(from === undefined ? {} : { from }),
      dtype: FLOAT_TYPES[precision.decoding],
      ...(decoding.tiling ? { tiling: TILING } : {}),
    },
    signal,
  );
}
