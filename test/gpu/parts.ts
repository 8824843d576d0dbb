import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findTorchPython } from '../torch/python.ts';

/** A part: how long it may take, and the process that it is. */
export interface PartSettings {
  /** It may take so long whatever came before. */
  readonly seconds: number;
  /** And so long where the parts before have left the time. */
  readonly most?: number;
  /** The issue names its figures: it comes before those that only inform. */
  readonly isNamed?: boolean;
  /** One of its rows at least says whether it holds: always, or on a card alone. */
  readonly judges?: 'always' | 'cuda';
  readonly command: (task: string) => readonly string[];
  /** Why it cannot run here, though nothing is wrong; undefined where it can. */
  readonly obstacle?: () => string | undefined;
  /** Keep what the process prints besides its figures. */
  readonly keepOutput?: boolean;
  /** Its process is PyTorch's, which brings CUDA's libraries of its own. */
  readonly isTorch?: boolean;
}

const here = (name: string) => join(import.meta.dirname, name);
const node = (task: string) => [process.execPath, here('run-part.ts'), task];
const python = process.env.DUALPARAL_TORCH_PYTHON || 'python3';
const profiled =
  (...metrics: string[]) =>
  (task: string) => [
    'ncu',
    '--clock-control=none',
    '--target-processes=all',
    '--csv',
    `--metrics=${metrics.join(',')}`,
    ...node(task),
  ];

export type PartName =
  | 'provider'
  | 'sessions'
  | 'layer'
  | 'films'
  | 'speed'
  | 'torch'
  | 'attention'
  | 'decoder'
  | 'kernels'
  | 'copies'
  | 'bench-layers'
  | 'bench-film'
  | 'bench-hop'
  | 'whole-film';

/** All parts together; whatever is not begun by then is not run. */
export const MOST_SECONDS = 590;

function profilerObstacle(): string | undefined {
  return spawnSync('ncu', ['--version']).status === 0 ? undefined : "NVIDIA's profiler `ncu` is not on the PATH";
}

function torchObstacle(): string | undefined {
  const found = findTorchPython();
  return found.ok ? undefined : found.reason.replace(/^skipped: /, '');
}

/** In the order in which they are worth their time: first what the proof is asked for, all of it within its limits together. */
export const PARTS: Readonly<Record<PartName, PartSettings>> = {
  provider: { seconds: 30, most: 45, isNamed: true, judges: 'always', command: node, keepOutput: true },
  films: { seconds: 50, most: 75, isNamed: true, judges: 'always', command: node },
  'whole-film': { seconds: 65, most: 90, isNamed: true, judges: 'always', command: node },
  copies: { seconds: 25, most: 40, isNamed: true, judges: 'cuda', command: node },
  attention: { seconds: 30, isNamed: true, judges: 'always', command: node, keepOutput: true },
  'bench-hop': { seconds: 15, most: 25, isNamed: true, judges: 'always', command: node },
  'bench-film': { seconds: 45, most: 60, isNamed: true, judges: 'always', command: node },
  'bench-layers': { seconds: 150, most: 200, isNamed: true, judges: 'cuda', command: node },
  speed: { seconds: 45, most: 75, isNamed: true, judges: 'cuda', command: node },
  sessions: { seconds: 25, most: 45, command: node },
  decoder: { seconds: 40, most: 50, judges: 'always', command: node },
  layer: { seconds: 40, most: 75, judges: 'always', command: node },
  torch: {
    ...{ seconds: 15, most: 80, isTorch: true, obstacle: torchObstacle },
    command: (task) => [python, here('torch-figures.py'), task],
  },
  kernels: {
    ...{ seconds: 15, most: 45, obstacle: profilerObstacle, keepOutput: true },
    command: profiled('gpu__time_duration.sum', 'dram__bytes_read.sum', 'dram__bytes_write.sum'),
  },
};

export const PARTS_USAGE = `usage: npm run gpu -- [--report FILE] [--parts NAME,…] [--device cuda|cpu] [--small]
parts: ${Object.keys(PARTS).join(', ')}`;

/**
 * Seconds that the first of `parts` may take when so many are left for all of them: its own, and as much of what the later ones can
 * spare as it can use. Nothing is ever taken from what a later part has for its own.
 */
export function limitOf([part, ...later]: readonly Pick<PartSettings, 'seconds' | 'most'>[], left: number): number {
  if (part === undefined) return 0;
  const reserved = later.reduce((sum, { seconds }) => sum + seconds, 0);
  const spare = Math.max(part.seconds, Math.floor(left - reserved));
  return Math.floor(Math.min(part.most ?? part.seconds, spare, left));
}
