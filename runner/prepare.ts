import type { JobSpec } from '#contract/job-spec.ts';
import type { NoiseSource } from './diffusion/noise-pool.ts';
import { checkLevels } from './diffusion/sampler.ts';
import { judgeFilm } from './judge-film.ts';
import { noiseOf } from './noise.ts';
import type { Plan } from './plan/plan.ts';
import { type PlannedJob, planJob } from './plan-job.ts';
import type { FilmMeasure } from './quality/film-quality.ts';
import type { Prompt } from './text/encode.ts';
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
}

/** A run of which everything has been checked that can be checked before anything loads. */
export interface PreparedJob extends PlannedJob {
  readonly noise: NoiseSource;
  readonly measure: FilmMeasure;
  readonly patience: PatienceSettings;
  /** What somebody should know before the work begins. */
  readonly warnings: readonly string[];
}

/**
 * Reads all that a run will read, weights aside, and refuses what cannot become a film. Writes nothing, so `plan` does it too.
 * Throws coded errors: `E_MODEL_…`, `E_WEIGHTS_…`, `E_PLAN_…`, `E_SAMPLING_…`, `E_NOISE_…`.
 */
export function prepare(spec: JobSpec, extras: GenerateExtras, environment: NodeJS.ProcessEnv): PreparedJob {
  const job = planJob(spec, environment);
  const { plan, model } = job;
  checkLevels(plan.sampling);
  const noise = noiseOf(spec, plan, extras.noiseFile);
  const warnings = [...plan.warnings, ...textWarnings(spec, job)];
  const measure = judgeFilm(spec, plan, model.folder, (text) => void warnings.push(text));
  return { ...job, noise, measure, patience: patienceOf(environment), warnings };
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
  return measurePrompts(place, promptsOf(spec, plan), textTokens).flatMap(
    (length) => cutWarning(length, textTokens) ?? [],
  );
}
