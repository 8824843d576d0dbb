import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layerTensors } from '../../runner/model/tensor-names.ts';
import { sliceLayers } from '../../runner/plan/slices.ts';
import { randomWeights } from '../gpu/random-numbers.ts';
import type { Bench, BenchRow } from './bench.ts';
import type { LoadedSlice, SliceToLoad } from './programs/load-slice.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const SHORT = 1025;
const LONG = 10_001;
const MOST_GROWTH = 1.02;
const SHARE_OF_WEIGHTS = 1.05;
const LAYERS = 8;
const STAGES = [2, 4, 8];

/** The largest resident memory, in bytes, of the process that makes a film of so many frames. */
async function peakOfFilm(frames: number, folder: string): Promise<number> {
  const manifest = join(folder, `${frames}.yaml`);
  writeFileSync(manifest, JSON.stringify(filmOf(frames)));
  const args = ['runner/cli/main.ts', 'generate', '-f', manifest, '-o', join(folder, `${frames}`), '--stages', '2'];
  const film = spawn(process.execPath, [...args, '--device', 'cpu', '--json'], {
    cwd: REPOSITORY,
    // One process, whose peak is the film's; ffmpeg's own lives for a block and is not counted.
    env: { ...process.env, DUALPARAL_NO_PARENT: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(film, 'exit');
  let peak = 0;
  const look = setInterval(() => {
    peak = Math.max(peak, peakOf(film.pid!));
  }, 100);
  const [code] = (await ended) as [number];
  clearInterval(look);
  if (code !== 0) throw new Error(`the film of ${frames} frames ended with ${code}`);
  return peak;
}

function peakOf(pid: number): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    // It has just ended.
    return 0;
  }
}

function filmOf(frames: number) {
  return {
    apiVersion: 'dualparal.io/v1alpha1',
    kind: 'VideoGeneration',
    metadata: { name: `frames-${frames}` },
    spec: {
      prompt: 'a red circle moving right on a dark background',
      length: { frames },
      size: { width: 32, height: 32 },
      model: { ref: 'tiny', source: { image: { reference: 'localhost/dualparal-model-tiny:1' } } },
      sampling: { steps: 2, guidanceScale: 1 },
      parallelism: { gpus: 2, blockLatents: 16, contextLatents: 4 },
      output: { persistentVolumeClaim: { claimName: 'films' } },
    },
  };
}

async function growth(folder: string): Promise<BenchRow> {
  const theirs = await peakOfFilm(SHORT, folder);
  const ours = await peakOfFilm(LONG, folder);
  return {
    measure: `peak memory of a film of ${LONG} frames`,
    unit: 'MB',
    ours: ours / 1e6,
    peer: `of ${SHORT} frames`,
    theirs: theirs / 1e6,
    better: 'lower',
    holds: ours <= MOST_GROWTH * theirs,
    threshold: `at most ${MOST_GROWTH} × as much`,
  };
}

/** Bytes by which a process grows while it loads a slice. */
async function growthOfSlice(task: SliceToLoad): Promise<number> {
  const program = join(import.meta.dirname, 'programs/load-slice.ts');
  const child = spawn(process.execPath, ['--expose-gc', program, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (piece) => {
    text += piece;
  });
  await once(child, 'close');
  return (JSON.parse(text) as LoadedSlice).bytes;
}

async function* weights(folder: string): AsyncGenerator<readonly BenchRow[]> {
  const { WIDE } = await import('./programs/load-slice.ts');
  const tensors = Array.from({ length: LAYERS }, (_, layer) => layerTensors(WIDE, layer)).flat();
  randomWeights(folder, 'wide', tensors, 'F32');
  const whole = await growthOfSlice({ folder, firstLayer: 0, endLayer: LAYERS });
  for (const stages of STAGES) {
    const [slice] = sliceLayers(LAYERS, stages);
    const ours = await growthOfSlice({ folder, ...slice! });
    yield [
      {
        measure: `resident weights of one of ${stages} stages`,
        unit: 'MB',
        ours: ours / 1e6,
        peer: `all ${LAYERS} layers on one, ÷ ${stages}`,
        theirs: whole / stages / 1e6,
        better: 'lower',
        holds: ours <= (SHARE_OF_WEIGHTS * whole) / stages,
        threshold: `at most ${SHARE_OF_WEIGHTS} × it`,
      },
    ];
  }
}

export const bench: Bench = {
  title: 'memory of longer films, and of stages',
  async *run() {
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-bench-'));
    try {
      yield* weights(folder);
      yield [await growth(folder)];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
