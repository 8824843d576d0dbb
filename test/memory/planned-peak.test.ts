import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { wideModel } from '../build/wide-model.ts';

const scratch = mkdtempSync(join(tmpdir(), 'planned-peak-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const root = join(import.meta.dirname, '../..');
const tiny = join(root, 'models/tiny');

/** A film, and what it is made with. */
interface Film {
  readonly what: string;
  readonly pixels: number;
  readonly frames: number;
  readonly stages: number;
  readonly tiling?: boolean;
  /** Layers of a model of 1.3 billion parameters' width; the tiny model where absent. */
  readonly wideLayers?: number;
  /** Of the layers, and of the decoder. */
  readonly precision?: { readonly sampling?: 'float16'; readonly decoding?: 'float16' };
}

const FILMS: readonly Film[] = [
  { what: 'the tiny model at 256 × 256 on two stages', pixels: 256, frames: 13, stages: 2 },
  { what: 'the tiny model at 512 × 512', pixels: 512, frames: 5, stages: 1 },
  { what: 'one frame', pixels: 768, frames: 1, stages: 1 },
  { what: 'tiles', pixels: 384, frames: 5, stages: 1, tiling: true },
  { what: 'four layers of 1.3B width on two stages', pixels: 128, frames: 13, stages: 2, wideLayers: 4 },
  { what: 'a decoder in float16', pixels: 512, frames: 5, stages: 1, precision: { decoding: 'float16' } },
  ...[1, 2, 4].map((stages) => ({
    what: `four layers of 1.3B width in float16, stages: ${stages}`,
    ...{ pixels: 128, frames: 13, stages, wideLayers: 4, precision: { sampling: 'float16' } as const },
  })),
];

function manifestOf({ pixels, frames, stages, tiling = false, precision = {} }: Film): string {
  return JSON.stringify({
    apiVersion: 'dualparal.io/v1alpha1',
    kind: 'VideoGeneration',
    metadata: { name: 'film' },
    spec: {
      prompt: 'a red circle moving right on a dark background',
      seed: 1,
      length: { frames },
      size: { width: pixels, height: pixels },
      model: { ref: 'model', source: { image: { reference: 'localhost/model:1' } } },
      sampling: { steps: 1, guidanceScale: 3, precision: precision.sampling ?? 'auto' },
      decoding: { tiling, precision: precision.decoding ?? 'auto' },
      parallelism: { gpus: stages, blockLatents: 1, contextLatents: 1, stride: 1 },
      output: { persistentVolumeClaim: { claimName: 'films' } },
    },
  });
}

function dualparal(node: readonly string[], words: readonly string[], environment: Readonly<Record<string, string>>) {
  const program = [...node, join(root, 'runner/cli/main.ts'), ...words, '--device', 'cpu'];
  const env = { ...process.env, DUALPARAL_NO_PARENT: '1', ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words.join(' ')}: exit code ${status}: ${stderr}`);
  return stdout;
}

/** Bytes by the plan, files that are read where they are mapped included; and what the process had at most. */
function peaksOf(film: Film): { readonly planned: number; readonly measured: number } {
  const model = film.wideLayers === undefined ? tiny : join(scratch, 'wide');
  if (film.wideLayers !== undefined) wideModel(tiny, model, { layers: film.wideLayers });
  const [manifest, peak] = [join(scratch, 'film.json'), join(scratch, 'peak')];
  writeFileSync(manifest, manifestOf(film));
  const words = ['-f', manifest, '--model', model];
  const { memory } = JSON.parse(dualparal([], ['plan', ...words, '--json'], {}));
  const preload = ['--import', join(import.meta.dirname, 'report-peak.ts')];
  dualparal(preload, ['generate', ...words, '-o', join(scratch, 'out'), '--overwrite'], { PEAK_FILE: peak });
  return { planned: memory.processBytes + memory.mappedBytes, measured: Number(readFileSync(peak, 'utf8')) };
}

/** Expects the plan to be from 5 % less to 25 % more than what was measured. */
function expectPlanned(film: Film): void {
  const { planned, measured } = peaksOf(film);
  const ratio = planned / measured;
  expect(ratio, `${planned} planned, ${measured} measured`).toBeGreaterThanOrEqual(0.95);
  expect(ratio, `${planned} planned, ${measured} measured`).toBeLessThanOrEqual(1.25);
}

test.skipIf(process.platform !== 'linux').each(FILMS)(
  'the plan says what a film takes of a processor, from 5 % less to 25 % more: $what',
  (film) => expectPlanned(film),
  240_000,
);
