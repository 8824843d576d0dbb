/** A part: how long it may take, and the process that it is. */
interface PartSettings {
  readonly seconds: number;
  readonly command: (task: string) => readonly string[];
  /** Keep what the process prints besides its figures. */
  readonly keepOutput?: boolean;
}

const here = (name: string) => new URL(name, import.meta.url).pathname;
const node = (task: string) => [process.execPath, here('run-part.ts'), task];
const python = process.env.DUALPARAL_TORCH_PYTHON ?? 'python3';
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

/** In the order in which they are worth their time. Those before the benchmarks took about six minutes on a card; the limits say more. */
export const PARTS: Readonly<Record<PartName, PartSettings>> = {
  provider: { seconds: 30, command: node, keepOutput: true },
  sessions: { seconds: 45, command: node },
  layer: { seconds: 75, command: node },
  speed: { seconds: 75, command: node },
  torch: { seconds: 80, command: (task) => [python, here('torch-figures.py'), task] },
  films: { seconds: 60, command: node },
  'whole-film': { seconds: 75, command: node },
  kernels: {
    seconds: 45,
    command: profiled('gpu__time_duration.sum', 'dram__bytes_read.sum', 'dram__bytes_write.sum'),
    keepOutput: true,
  },
  copies: { seconds: 40, command: node },
  attention: { seconds: 30, command: node, keepOutput: true },
  'bench-hop': { seconds: 25, command: node },
  'bench-film': { seconds: 60, command: node },
  'bench-layers': { seconds: 200, command: node },
  decoder: { seconds: 50, command: node },
};
