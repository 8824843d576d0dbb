import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Sampling } from './make-film.ts';
import { TABLES } from './ways.ts';

/** Options of the commands of this folder. */
export interface Options {
  readonly model: string;
  readonly prompts: number;
  readonly frames: number;
  readonly long: number;
  readonly seed: number;
  readonly sampling: Sampling;
  /** How long films are sampled, where they are sampled in a way of their own. */
  readonly longSampling: Sampling;
  /** Latents of their blocks. */
  readonly longBlock: number;
  /** Iterations between two of them. */
  readonly longStride: number;
  /** Seeds of each prompt. */
  readonly seeds: number;
  /** Processes that make a trial's films. */
  readonly processes: number;
  /** Tables of a trial, by name. */
  readonly tables: readonly string[];
  readonly json: string | undefined;
  readonly markdown: string | undefined;
}

const ROOT = join(import.meta.dirname, '../..');
const COUNTS = [
  'prompts',
  'frames',
  'long',
  'long-block',
  'long-steps',
  'long-stride',
  'seed',
  'seeds',
  'steps',
  'stages',
  'processes',
] as const;

export const OPTIONS_HELP = `  --model DIR       a model folder with a world.json (default: models/tiny)
  --prompts N       held-out prompts
  --frames F        length of the long films: 4k + 1
  --long N          prompts of long films
  --long-block N    latents of a long film's block (8)
  --long-stride N   iterations between two of its blocks (3)
  --long-steps N    denoising steps of long films (12)
  --long-shift S    shift of their noise levels (1.5)
  --steps N         denoising steps (30)
  --guidance G      guidance scale (1: none)
  --stages N        slices of the model (2)
  --seed N          seed of the first prompt; each has one of its own (100)
  --seeds N         films of each prompt, each from a seed of its own (1)
  --processes N     processes that make a trial's films (1)
  --table NAME      one table of a trial: ${Object.keys(TABLES).join(', ')} (all)
  --json FILE       all figures of all films
  --markdown FILE   the tables, each put in place of the one that the file has`;

/** Reads the command line over the defaults of a command. Throws an error that says what is wrong. */
export function readOptions(defaults: { prompts: number; frames: number; long: number }): Options {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ model: text, prompts: text, frames: text, long: text, steps: text, guidance: text, stages: text },
      ...{ 'long-block': text, 'long-steps': text, 'long-shift': text, 'long-stride': text, seeds: text },
      ...{ seed: text, table: text, processes: text, json: text, markdown: text },
    },
  });
  const [first, ...more] = positionals;
  if (more.length > 0) throw new Error(`one model at most, found ${positionals.join(' ')}`);
  const count = (name: (typeof COUNTS)[number], usual: number) => {
    const value = Number(values[name] ?? usual);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number of 1 or more`);
    return value;
  };
  const guidanceScale = Number(values.guidance ?? 1);
  if (!(guidanceScale >= 0)) throw new Error('--guidance must be a number');
  const flowShift = Number(values['long-shift'] ?? 1.5);
  if (!(flowShift > 0)) throw new Error('--long-shift must be a number above 0');
  const stages = count('stages', 2);
  const frames = count('frames', defaults.frames);
  if (frames % 4 !== 1) throw new Error(`--frames must be 4k + 1, found ${frames}`);
  const model = values.model ?? first ?? join(ROOT, 'models/tiny');
  for (const file of ['model_index.json', 'world.json']) {
    if (!existsSync(join(model, file))) throw new Error(`${model} has no ${file}`);
  }
  return {
    model,
    prompts: count('prompts', defaults.prompts),
    frames,
    long: count('long', defaults.long),
    seed: count('seed', 100),
    sampling: { steps: count('steps', 30), guidanceScale, stages },
    longSampling: { steps: count('long-steps', 12), flowShift, guidanceScale, stages },
    longBlock: count('long-block', 8),
    longStride: count('long-stride', 3),
    seeds: count('seeds', 1),
    processes: count('processes', 1),
    tables: tablesOf(values.table),
    json: values.json,
    markdown: values.markdown,
  };
}

function tablesOf(name: string | undefined): readonly string[] {
  const names = Object.keys(TABLES);
  if (name === undefined) return names;
  if (!names.includes(name)) throw new Error(`--table must be one of ${names.join(', ')}, found ${name}`);
  return [name];
}
