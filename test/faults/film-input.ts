/** Short films of the models that come with the project, as files that the command line takes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './film-process.ts';

/** What a test may want of a film. */
export interface FilmWishes {
  readonly seed?: number;
  readonly frames?: number;
  readonly steps?: number;
  readonly stages?: number;
  readonly model?: string;
  /** Time between two checkpoints. */
  readonly every?: string;
}

const TINY = join(ROOT, 'models/tiny');
const BLOCK_LATENTS = 2;

function specOf({ seed = 1, frames = 41, steps = 6, stages = 2, every }: FilmWishes) {
  return {
    prompt: 'a red circle moving right on a dark background',
    seed,
    length: { frames },
    size: { width: 96, height: 96 },
    sampling: { steps, guidanceScale: 1 },
    ...(every === undefined ? {} : { checkpoint: { every } }),
    parallelism: { gpus: stages, blockLatents: BLOCK_LATENTS, contextLatents: BLOCK_LATENTS },
  };
}

/** A manifest for `dualparal generate -f`. */
export function writeManifest(folder: string, name: string, wishes: FilmWishes = {}): string {
  const file = join(folder, `${name}.json`);
  const spec = { ...specOf(wishes), model: { ref: wishes.model ?? TINY } };
  const manifest = { apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata: { name }, spec };
  writeFileSync(file, JSON.stringify(manifest));
  return file;
}

/** A frozen job for `dualparal run --job`, as the operator writes it. */
export function writeJob(folder: string, name: string, output: string, wishes: FilmWishes = {}): string {
  const file = join(folder, `${name}.job.json`);
  const { length, ...spec } = specOf(wishes);
  const model = { ref: 'tiny', folder: wishes.model ?? TINY };
  const job = { contractVersion: 1, name, ...spec, frames: length.frames, model, output: { folder: output } };
  writeFileSync(file, JSON.stringify(job));
  return file;
}
