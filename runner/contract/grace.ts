import { FRAMES_PER_LATENT, type JobSpec } from './job-spec.ts';
import { LAST_WORDS_SECONDS, USUAL_GRACE_SECONDS } from './stop-time.ts';

/*
 * How long a runner that is told to stop may take: to end its iteration, and to write the states of all blocks in flight. Nobody outside the
 * runner has read the model, so this is what the spec says of both at most.
 */

/** What a modest disk or network volume writes. */
const BYTES_PER_SECOND = 100_000_000;
/** One iteration, and what is under way of the film itself. */
const ITERATION_SECONDS = 40;
/** A drain waits no longer for anybody. */
const MOST_SECONDS = 3600;

/** Arrays of a block's state: latents, and what a sampler of the second order remembers. */
const STATE_ARRAYS = 4;
/** Numbers of a latent for each pixel: 16 channels of every 8 by 8; the models that cut coarser have fewer. */
const LATENT_PER_PIXEL = 16 / 64;
const FLOAT32_BYTES = 4;

/** What the time to stop in follows from. */
export type Stopping = Pick<JobSpec, 'frames' | 'size' | 'sampling' | 'parallelism'>;

/** Seconds that a runner gets, by default, from being told to stop until it is killed. */
export function graceSeconds(spec: Stopping): number {
  const seconds = ITERATION_SECONDS + mostStateBytes(spec) / BYTES_PER_SECOND + LAST_WORDS_SECONDS;
  return Math.min(MOST_SECONDS, Math.max(USUAL_GRACE_SECONDS, 10 * Math.ceil(seconds / 10)));
}

/** Bytes of a checkpoint at most; a run whose left context is used again makes none. */
export function mostStateBytes({ frames, size, sampling, parallelism }: Stopping): number {
  const { blockLatents, contextLatents, stride, leftContext } = parallelism;
  if (leftContext === 'reuse') return 0;
  const latents = (frames - 1) / FRAMES_PER_LATENT + 1;
  const first = Math.min(latents, blockLatents + contextLatents);
  const blocks = 1 + Math.ceil((latents - first) / blockLatents);
  const inFlight = Math.min(blocks, Math.ceil(sampling.steps / (stride === 'auto' ? 1 : stride)));
  const latentBytes = LATENT_PER_PIXEL * size.width * size.height * FLOAT32_BYTES;
  return STATE_ARRAYS * (first + (inFlight - 1) * blockLatents) * latentBytes;
}
