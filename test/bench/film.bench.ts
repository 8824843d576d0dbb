import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTorchPython, runPython } from '../torch/python.ts';
import { type Bench, type BenchRequest, type BenchRow, notRun } from './bench.ts';
import type { CodingReport } from './programs/coding.ts';
import type { FilmReport } from './programs/film.ts';

const MODEL = join(import.meta.dirname, '../../models/tiny');
const program = (name: string) => join(import.meta.dirname, 'programs', name);
const PICTURE = { width: 96, height: 96 };
const LATENT = 12;
const FRAMES = 161;
const LATENTS = 41;
const FASTER = 2;
const SMALLER = 2;
const DECODES_FASTER = 1.5;

/** On the processor two stages, so that the pipeline is measured too; on a card one. */
function filmOn(device: BenchRequest['device'], folder: string) {
  return {
    name: 'film',
    prompt: 'a red circle moving right on a dark background',
    seed: 42,
    frames: FRAMES,
    size: PICTURE,
    model: { ref: 'tiny', folder: MODEL },
    sampling: {
      ...{ steps: 12, flowShift: 1.5, guidanceScale: 1, maxSequenceLength: 64 },
      precision: device === 'cpu' ? 'float32' : 'bfloat16',
    },
    parallelism: { gpus: device === 'cpu' ? 2 : 1, blockLatents: 8, contextLatents: 4, stride: 3 },
    output: { folder },
  };
}
type Film = ReturnType<typeof filmOn>;

interface TorchFilm {
  readonly torch: string;
  readonly textSeconds: number;
  readonly denoiseSeconds: number;
  readonly decodeSeconds: number;
  readonly processorSeconds: number;
  readonly peakBytes: number;
}

/** A program of this folder in a process of its own: what it says as JSON. */
function ask<T>(name: string, task: unknown): T {
  const input = JSON.stringify(task);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program(name)], { encoding: 'utf8', input });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

function made(film: Film, device: BenchRequest['device']): FilmReport {
  return ask<FilmReport>('film.ts', { film, device });
}

/** When the first and the last frames can be watched. What is wanted is ours: no figure was ever named. */
function shares({ firstFrames, lastFrames, lastBlockStep, plan }: FilmReport): readonly BenchRow[] {
  const block = 1 / plan.blocks;
  const row = (measure: string, ours: number, most: number, words: string): BenchRow => ({
    ...{ measure, unit: 's', ours, peer: 'the whole run', theirs: lastFrames, better: 'lower' },
    holds: ours / lastFrames <= most,
    threshold: `at most ${most.toFixed(3)} of it, ${words}`,
  });
  const onPaper = plan.firstBlockShare;
  return [
    row(
      'first frames, from the start of denoising',
      firstFrames,
      onPaper + block,
      'the schedule’s share and a block’s',
    ),
    row('from the last block-step to the last frame', lastFrames - lastBlockStep, block, 'a block’s share'),
  ];
}

function torchFilm(film: Film, { plan }: FilmReport, device: BenchRequest['device'], python: string): TorchFilm {
  const { blocks, surplusLatents: surplus, stride } = plan;
  const { steps, flowShift: shift, maxSequenceLength: text, precision } = film.sampling;
  const { blockLatents: block, contextLatents: context } = film.parallelism;
  const sizes = { height: LATENT, width: LATENT, blocks, block, context, stride, surplus, steps, shift, text };
  const where = { device, precision, threads: availableParallelism() };
  return runPython(python, program('torch-film.py'), {
    ...sizes,
    ...where,
    model: MODEL,
    prompt: film.prompt,
  }) as TorchFilm;
}

interface Compared {
  /** Before and after PyTorch's, so that a machine which others use too is noisy for both. */
  readonly films: readonly [FilmReport, FilmReport];
  readonly torch: TorchFilm;
}

function against({ films, torch }: Compared, device: BenchRequest['device']): readonly BenchRow[] {
  const mean = (figure: (film: FilmReport) => number) => (figure(films[0]) + figure(films[1])) / 2;
  const row = (
    measure: string,
    unit: string,
    ours: number,
    peer: string,
    theirs: number,
    wanted?: number,
  ): BenchRow => ({
    ...{ measure, unit, ours, peer, theirs, better: 'lower' },
    ...(wanted === undefined ? {} : { holds: theirs / ours >= wanted, threshold: `at least ${wanted} × less` }),
  });
  const name = `PyTorch ${torch.torch}, one process`;
  const theirs = torch.textSeconds + torch.denoiseSeconds + torch.decodeSeconds;
  const beside = 'denoising (decoding and encoding beside it)';
  const processor = 'processor time of the film, all threads (ffmpeg’s apart)';
  const memory = row('peak memory', 'MB', mean((film) => film.peakBytes) / 1e6, name, torch.peakBytes / 1e6, SMALLER);
  return [
    row(
      'prompt to encoded film',
      's',
      mean(({ total }) => total),
      `${name}, not encoded`,
      theirs,
      FASTER,
    ),
    row(
      processor,
      's',
      mean((film) => film.processorSeconds),
      name,
      torch.processorSeconds,
    ),
    row(
      beside,
      's',
      mean(({ lastBlockStep }) => lastBlockStep),
      name,
      torch.denoiseSeconds,
    ),
    ...(device === 'cpu' ? [memory] : []),
  ];
}

/** What coding costs, of which nothing needs PyTorch. On the processor decoding is held to what it was. */
export function coded({ decodeSeconds, latent, latentBefore, encodeSeconds }: CodingReport): readonly BenchRow[] {
  const row = (measure: string, unit: string, ours: number, peer: string, theirs: number): BenchRow => ({
    ...{ measure, unit, better: 'lower', ours, peer, theirs },
  });
  const encoding = row('encoding alone', 's', encodeSeconds, 'decoding alone', decodeSeconds);
  if (latentBefore === undefined) return [encoding];
  const was = 'the decoder as it was, by convolutions of three dimensions, in turns';
  const gained = {
    ...row('decoding a latent, middle time', 'ms', latent.wall, was, latentBefore.wall),
    holds: latentBefore.wall / latent.wall >= DECODES_FASTER,
    threshold: `at least ${DECODES_FASTER} × as fast`,
  };
  const others = [
    row('decoding a latent, the fastest tenth', 'ms', latent.undisturbed, was, latentBefore.undisturbed),
    row('decoding a latent, middle processor time of all threads', 'ms', latent.processor, was, latentBefore.processor),
  ];
  return [gained, ...others, encoding];
}

function decoded({ decodeSeconds }: CodingReport, torch: TorchFilm): BenchRow {
  const theirs = { peer: `PyTorch ${torch.torch}, one process`, theirs: torch.decodeSeconds };
  return { measure: 'decoding alone', unit: 's', better: 'lower', ours: decodeSeconds, ...theirs };
}

export const bench: Bench = {
  title: `a film of the tiny model, ${FRAMES} frames of ${PICTURE.width} × ${PICTURE.height} in 12 steps, against PyTorch’s`,
  devices: ['cpu', 'cuda'],
  async *run({ device }) {
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-bench-'));
    try {
      const film = filmOn(device, join(folder, 'first'));
      const first = made(film, device);
      yield shares(first);
      const coding = ask<CodingReport>('coding.ts', {
        ...{ device, model: MODEL, latentHeight: LATENT, latentWidth: LATENT, latents: LATENTS },
        film: { folder: film.output.folder, ...PICTURE, fps: 16, frames: FRAMES },
      });
      yield coded(coding);
      const found = findTorchPython(['torch', 'diffusers', 'transformers', 'accelerate']);
      if (!found.ok) {
        const packages = 'pip install torch diffusers transformers accelerate, outside the repository';
        throw notRun(`against PyTorch: ${found.reason} (${packages})`);
      }
      const torch = torchFilm(film, first, device, found.python);
      const second = made({ ...film, output: { folder: join(folder, 'second') } }, device);
      yield against({ films: [first, second], torch }, device);
      yield [decoded(coding, torch)];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
