import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { openFrameDecoder, placeParts } from '../../runner/decode/frames.ts';
import { independentNoise, type NoiseShape, seededNoise } from '../../runner/diffusion/noise-pool.ts';
import { noiseShapeOf } from '../../runner/noise.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { openPipeline } from '../../runner/pipeline/driver.ts';
import { planJob } from '../../runner/plan-job.ts';
import { type FilmFigures, type FilmMeasure, measureFilm } from '../../runner/quality/film-quality.ts';
import { openPromptJudge } from '../../runner/quality/tiny-world/judge-prompt.ts';
import type { World } from '../../runner/quality/tiny-world/world.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { encodePrompts } from '../../runner/text/encode.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import type { TrialPrompt } from './prompts.ts';
import { PLAIN_FRAMES, type Way } from './ways.ts';

/** How all films of a trial are sampled. */
export interface Sampling {
  readonly steps: number;
  /** The model's own where it is undefined. */
  readonly flowShift?: number | undefined;
  readonly guidanceScale: number;
  readonly guidanceInterval?: { readonly low: number; readonly high: number } | undefined;
  readonly stages: number;
}

/** A model with the embeddings of all prompts of a trial. */
export interface Kit {
  readonly folder: string;
  readonly world: World;
  readonly sampling: Sampling;
  readonly embeddings: ReadonlyMap<string, F32Tensor>;
}

/** A film's figures and what it took: processor time of all threads, so that a busy machine does not count. */
export interface TrialFilm {
  readonly figures: FilmFigures;
  readonly frames: number;
  readonly processorSeconds: number;
}

const TEXT_TOKENS = 512;
/** Between the seeds of two chunks of a film; more than there are prompts. */
const CHUNK_SEED = 1_000_003;

/** Encodes the prompts of a trial, the empty one for guidance included. */
export async function openKit(
  folder: string,
  world: World,
  sampling: Sampling,
  prompts: readonly TrialPrompt[],
): Promise<Kit> {
  const model = openModel(folder);
  const texts = ['', ...new Set(prompts.map(({ prompt }) => prompt))];
  const { embeddings } = await encodePrompts(
    { config: model.config.text, weights: model.text, tokenizerFolder: model.tokenizerFolder },
    texts.map((text) => ({ name: 'prompt', text })),
    { maxSequenceLength: TEXT_TOKENS, device: cpuDevices(1)[0]! },
  );
  return { folder, world, sampling, embeddings: new Map(texts.map((text, index) => [text, embeddings[index]!])) };
}

/** Makes and measures one film of `frames` frames (a plain one is short). */
export async function makeTrialFilm(kit: Kit, way: Way, prompt: TrialPrompt, frames: number): Promise<TrialFilm> {
  const { side } = kit.world;
  const length = way.kind === 'plain' ? PLAIN_FRAMES : frames;
  const blockLatents = way.kind === 'blocks' ? way.blockLatents : (PLAIN_FRAMES - 1) / 4;
  const shape = { width: side, height: side, frames: length, blockLatents };
  const measure = measureFilm(shape, openPromptJudge({ world: kit.world, wanted: prompt.wanted }, shape));
  const before = process.cpuUsage();
  if (way.kind === 'blocks') await playBlocks(kit, way, prompt, length, measure);
  else await playChunks(kit, prompt, length, measure);
  const { user, system } = process.cpuUsage(before);
  return { figures: measure.result(), frames: length, processorSeconds: (user + system) / 1e6 };
}

async function playBlocks(
  kit: Kit,
  { blockLatents, contextLatents, stride, leftContext, sampling, isCoordinated }: Extract<Way, { kind: 'blocks' }>,
  { prompt, seed }: TrialPrompt,
  frames: number,
  measure: FilmMeasure,
): Promise<void> {
  const own = { ...kit, sampling: { ...kit.sampling, ...sampling } };
  const spec = specOf(own, { prompt, frames, blockLatents, contextLatents, stride, leftContext });
  await play(kit, spec, (shape) => (isCoordinated ? seededNoise : independentNoise)(seed, shape), measure);
}

/** Short films of their own until `frames` frames are there; of the last one only the beginning counts. */
async function playChunks(
  kit: Kit,
  { prompt, seed }: TrialPrompt,
  frames: number,
  measure: FilmMeasure,
): Promise<void> {
  const frameBytes = kit.world.side ** 2 * 3;
  const blockLatents = (PLAIN_FRAMES - 1) / 4 + 1;
  const spec = specOf(kit, { prompt, frames: PLAIN_FRAMES, blockLatents, contextLatents: 0 });
  for (let done = 0; done < frames; done += PLAIN_FRAMES) {
    let left = Math.min(PLAIN_FRAMES, frames - done);
    const cut: FilmMeasure = {
      ...measure,
      add(rgb) {
        const kept = Math.min(left, rgb.length / frameBytes);
        measure.add(rgb.subarray(0, kept * frameBytes));
        left -= kept;
      },
    };
    const chunkSeed = seed + (done / PLAIN_FRAMES) * CHUNK_SEED;
    await play(kit, spec, (shape) => seededNoise(chunkSeed, shape), cut);
  }
}

interface FilmSpec {
  readonly prompt: string;
  readonly frames: number;
  readonly blockLatents: number;
  readonly contextLatents: number;
  readonly stride?: number;
  readonly leftContext?: 'recompute' | 'reuse' | undefined;
}

function specOf({ folder, world, sampling }: Kit, film: FilmSpec): JobSpec {
  const { steps, flowShift, guidanceScale, guidanceInterval, stages } = sampling;
  return jobSpecSchema.parse({
    name: 'trial',
    prompt: film.prompt,
    frames: film.frames,
    size: { width: world.side, height: world.side },
    model: { ref: 'trial', folder },
    sampling: { steps, flowShift, guidanceScale, guidanceInterval, maxSequenceLength: TEXT_TOKENS },
    parallelism: {
      gpus: stages,
      blockLatents: film.blockLatents,
      contextLatents: film.contextLatents,
      stride: film.stride ?? 1,
      leftContext: film.leftContext,
    },
    output: { folder: '/nowhere' },
  });
}

/** Runs a film through pipeline and decoder, as `generate` does, and hands its frames to the measure instead of an encoder. */
async function play(
  kit: Kit,
  spec: JobSpec,
  noiseOf: (shape: NoiseShape) => ReturnType<typeof seededNoise>,
  measure: FilmMeasure,
): Promise<void> {
  const { model, plan, devices } = planJob(spec, {}, { device: 'cpu' });
  const { latentHeight, latentWidth } = plan;
  await using pipeline = await openPipeline({
    plan,
    model,
    devices,
    conditional: kit.embeddings.get(spec.prompt)!,
    unconditional: plan.branches === 2 ? kit.embeddings.get('')! : null,
    noise: noiseOf(noiseShapeOf(plan)),
  });
  await using decoder = await openFrameDecoder(
    { config: model.config.vae, weights: model.vae },
    { parts: placeParts(plan.decoderParts, devices), latentHeight, latentWidth },
  );
  for await (const { latents } of pipeline.finishedBlocks()) {
    measure.openBlock();
    for await (const { rgb } of decoder.decode(latents)) measure.add(rgb);
  }
}
