import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { CodedError } from '#contract/error.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import { printed } from '#contract/problems.ts';
import { isBlank, unusedNegativePrompt } from '#contract/prompt-field.ts';
import { lookForGpus } from './devices.ts';
import type { NoiseSource } from './diffusion/noise-pool.ts';
import { checkLevels } from './diffusion/sampler.ts';
import { judgeFilm } from './judge-film.ts';
import { checkLatentsFile, latentsFileBytes } from './latents-file.ts';
import { noiseOf } from './noise.ts';
import { patienceOf as ffmpegPatienceOf } from './output/patience.ts';
import { roomWarnings } from './output/room.ts';
import { checkpointSize } from './plan/checkpoint-size.ts';
import type { Plan } from './plan/plan.ts';
import { type PlannedJob, planJob } from './plan-job.ts';
import type { FilmMeasure } from './quality/film-quality.ts';
import { folderStore } from './store/folder.ts';
import { openStore } from './store/open.ts';
import { cleanPrompt } from './text/clean-prompt.ts';
import type { Prompt } from './text/encode.ts';
import { textError } from './text/errors.ts';
import { cutWarning, measurePrompts } from './text/prompt-tokens.ts';
import { type PatienceSettings, patienceOf } from './thread/patience.ts';

/**
 * What the command line adds to a spec: noise that somebody else drew, a file for the clean latents, and a folder where the
 * embeddings of prompts are kept for later films.
 */
export interface GenerateExtras {
  readonly noiseFile?: string;
  readonly latentsFile?: string;
  readonly textCacheFolder?: string;
  /** The cache was asked for by name, not by the environment: a folder that cannot be used is an error then. */
  readonly textCacheAsked?: boolean;
  /** Lets a film of another spec in the output folder be replaced. */
  readonly overwrite?: boolean;
  /** Begin anew, whatever an earlier run has left to go on with. */
  readonly fresh?: boolean;
  /** Where the film is computed (`--device`): `auto`, `cpu` or `cuda`; else `DUALPARAL_DEVICE` says. */
  readonly device?: string;
  /** Let a film be tried whose memory is not there (`--ignore-memory`); else `DUALPARAL_IGNORE_MEMORY=1` says. */
  readonly ignoreMemory?: boolean;
  /** Whose checkpoints they are (`checkpoint/realm.ts`), where others may have to remove them one day. */
  readonly realm?: string | undefined;
}

/** A run of which everything has been checked that can be checked before anything loads. */
export interface PreparedJob extends PlannedJob {
  readonly noise: NoiseSource;
  /** SHA-256 of the file that the noise was read from, if it was. */
  readonly noiseDigest?: string;
  readonly measure: FilmMeasure;
  /** Where the latents go, if they are asked for. */
  readonly latentsFile?: string;
  readonly patience: PatienceSettings;
  /** Where embeddings are kept, if anywhere. */
  readonly textCacheFolder?: string;
  /** What somebody should know before the work begins. */
  readonly warnings: readonly string[];
}

/**
 * Reads all that a run will read, weights aside, and refuses what cannot become a film. Leaves nothing behind, so `plan` does it too.
 * Throws coded errors: `E_PROMPT_BLANK`, `E_DEVICE_…`, `E_MODEL_…`, `E_WEIGHTS_…`, `E_PLAN_…`, `E_SAMPLING_…`, `E_NOISE_…`, `E_STORE_FILE`, `E_OUTPUT_ROOM`, `E_ENVIRONMENT_…`, and the signal's reason on an abort.
 */
export async function prepare(
  spec: JobSpec,
  extras: GenerateExtras,
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<PreparedJob> {
  checkPrompt(spec);
  // Read again by whoever waits: what cannot be read is to be said before the work.
  ffmpegPatienceOf(environment);
  const found = await lookForGpus(environment, extras.device, signal);
  const job = planJob(spec, environment, { ...extras, found });
  const { plan, model } = job;
  checkLevels(plan.sampling);
  const noise = noiseOf(spec, plan, extras.noiseFile);
  const { latentsFile: asked } = extras;
  const latents = asked === undefined ? {} : { latentsFile: await checkLatentsFile(asked, spec.output.folder) };
  const latentsBytes = extras.latentsFile === undefined ? 0 : latentsFileBytes(plan);
  const room = await roomWarnings(openStore(spec.output.folder), {
    ...spec.size,
    ...{ frames: plan.frames, latentsBytes, checkpointBytes: checkpointSize(plan).disk },
  });
  const warnings = [...job.deviceWarnings, ...plan.warnings, ...textWarnings(spec, job), ...room];
  const measure = judgeFilm(spec, plan, model.folder, (text) => void warnings.push(text));
  const cache = await textCacheOf(extras, (text) => void warnings.push(text));
  const digest = extras.noiseFile === undefined ? {} : { noiseDigest: await digestOf(extras.noiseFile) };
  return { ...job, noise, ...digest, ...latents, ...cache, measure, patience: patienceOf(environment), warnings };
}

/** The model reads the cleaned prompt, of which less may be left than the resource's rules can see. */
function checkPrompt({ prompt }: JobSpec): void {
  if (isBlank(cleanPrompt(prompt))) throw textError('E_PROMPT_BLANK', { prompt: printed(prompt) });
}

/** The texts of a plan's branches, by the names of their fields. */
export function promptsOf({ prompt, negativePrompt }: JobSpec, { branches }: Plan): readonly Prompt[] {
  return [
    { name: 'prompt', text: prompt },
    { name: 'negativePrompt', text: negativePrompt },
  ].slice(0, branches);
}

/** What is wrong with the texts without being an error: what the model will not read of them. */
function textWarnings(spec: JobSpec, { model, plan }: PlannedJob): readonly string[] {
  const { textTokens } = plan.sampling;
  const place = { tokenizerFolder: model.tokenizerFolder, config: model.config.text };
  const prompts = measurePrompts(place, promptsOf(spec, plan), textTokens);
  const warnings = [unusedNegativePrompt(spec), ...prompts.map((length) => cutWarning(length, textTokens))];
  return warnings.filter((warning) => warning !== undefined);
}

/** The cache's folder, if it can be used; one that cannot is an error or a warning. */
async function textCacheOf(
  { textCacheFolder, textCacheAsked = false }: GenerateExtras,
  warn: (text: string) => void,
): Promise<Pick<PreparedJob, 'textCacheFolder'>> {
  if (textCacheFolder === undefined) return {};
  try {
    await folderStore(textCacheFolder).check();
    return { textCacheFolder };
  } catch (error) {
    if (textCacheAsked || !(error instanceof CodedError)) throw error;
    warn(`the text cache is not used: ${error.message}`);
    return {};
  }
}

/** The file has been read as noise by now, so that it is one that ends. */
async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
