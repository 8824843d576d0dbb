import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { layerWork } from '../../runner/plan/work.ts';
import { allDevices } from '../gpu/devices.ts';
import { findTorchPython } from '../torch/python.ts';
import { type Bench, type BenchRequest, type BenchRow, medianOf, notRun } from './bench.ts';
import { type LayersCase, layersCases, wantedOf } from './layers-cases.ts';
import { type Milliseconds, openTorchLayers, type TorchLayers, type TorchTask } from './torch-layers.ts';
import { openLayers, openProduct, type Timed, type TimedLayers, windowOf } from './wide-layers.ts';

const TEXT_TOKENS = 512;
/** A turn of either side is at least so long, and there are so many of each; more where they are short. */
const TURN_MILLISECONDS = 200;
const TURNS = 3;
const SECONDS = 6;

type What = 'layers' | 'product' | 'torchLayers' | 'torchProduct';
/** Middle times of the four, each in turn with the others, so that a machine which others use too is noisy for all. */
type Times = Readonly<Record<What, Milliseconds>>;

async function millisecondsOf(run: () => void, times: number): Promise<Milliseconds> {
  const started = performance.now();
  const before = process.cpuUsage();
  for (let round = 0; round < times; round++) run();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - started) / times, processor: (user + system) / 1000 / times };
}

async function timesOf(layers: Timed, product: Timed, torch: TorchLayers): Promise<Times> {
  const runs: Readonly<Record<What, (times: number) => Promise<Milliseconds>>> = {
    layers: (times) => millisecondsOf(layers.run, times),
    torchLayers: (times) => torch.milliseconds('layers', times),
    product: (times) => millisecondsOf(product.run, times),
    torchProduct: (times) => torch.milliseconds('product', times),
  };
  const names = Object.keys(runs) as What[];
  const found = new Map<What, { readonly count: number; readonly times: Milliseconds[] }>();
  // The first time does not count, but tells how many make a turn.
  for (const name of names) {
    const { wall } = await runs[name](1);
    found.set(name, { count: Math.ceil(TURN_MILLISECONDS / wall), times: [] });
  }
  const until = performance.now() + 1000 * SECONDS;
  for (let turn = 0; turn < TURNS || performance.now() < until; turn++) {
    for (const [name, { count, times }] of found) times.push(await runs[name](count));
  }
  const middle = ({ times }: { readonly times: readonly Milliseconds[] }): Milliseconds => ({
    wall: medianOf(times.map(({ wall }) => wall)),
    processor: medianOf(times.map(({ processor }) => processor)),
  });
  return Object.fromEntries([...found].map(([name, all]) => [name, middle(all)])) as Times;
}

async function rowsOf(python: string, folder: string, request: BenchRequest, one: LayersCase) {
  const { config, tokens } = one;
  const window = windowOf(tokens);
  const type = request.device === 'cpu' ? 'F32' : 'BF16';
  const context = one.ends ? Math.floor(tokens / 3) : 0;
  const settings: TimedLayers = { ...one, window, context, text: TEXT_TOKENS, type };
  const task: TorchTask = {
    ...{ device: request.device, threads: availableParallelism(), type, layers: one.layers, ends: one.ends },
    ...{ heads: config.heads, headWidth: config.headWidth, feedForward: config.feedForwardWidth },
    ...{ channels: config.latentChannels, frames: window.frames, height: window.height / 2, width: window.width / 2 },
    ...{ context, text: TEXT_TOKENS },
  };
  using stack = new DisposableStack();
  const [device] = allDevices(request.device);
  const layers = stack.adopt(openLayers(folder, device, settings), ({ release }) => release());
  const product = stack.adopt(openProduct(folder, device, settings), ({ release }) => release());
  const torch = stack.adopt(await openTorchLayers(python, task), ({ close }) => close());
  return describe(one, request, { type, context, torch, times: await timesOf(layers, product, torch) });
}

interface Measured {
  readonly type: 'F32' | 'BF16';
  readonly context: number;
  readonly torch: TorchLayers;
  readonly times: Times;
}

function describe(one: LayersCase, request: BenchRequest, { type, context, torch, times }: Measured) {
  const { config, tokens, layers, ends } = one;
  const sizes = { windowTokens: tokens, contextTokens: context, textTokens: TEXT_TOKENS };
  // Patches to tokens and back: two products of four values a channel.
  const patches = ends ? 2 * 2 * tokens * 4 * config.latentChannels * config.width : 0;
  const rate = (layers * layerWork(config, sizes) + patches) / times.layers.wall / 1e6;
  const rateOf = (milliseconds: number) => (2 * tokens * config.width * config.feedForwardWidth) / milliseconds / 1e6;
  const [own, theirs] = [rateOf(times.product.wall), rateOf(times.torchProduct.wall)];
  const best = Math.max(own, theirs);
  const title = `${one.name}, ${tokens} tokens, ${type}`;
  const wanted = wantedOf(one, request.device);
  const peer = `PyTorch ${torch.version}, ${torch.form}`;
  const rows: readonly BenchRow[] = [
    {
      ...{ measure: title, unit: 'ms', ours: times.layers.wall, theirs: times.torchLayers.wall, better: 'lower', peer },
      ...goal(times.torchLayers.wall / times.layers.wall, wanted.speed, 'times as fast'),
    },
    {
      ...{ measure: `${title}: operations`, unit: '10⁹/s', ours: rate, theirs: best, better: 'higher' },
      peer: `the better library’s best product (ours ${own.toFixed(0)}, PyTorch’s ${theirs.toFixed(0)})`,
      ...goal(rate / best, wanted.share, 'of it'),
    },
  ];
  const processor: BenchRow = {
    ...{ measure: `${title}: processor time of all threads`, unit: 'ms', better: 'lower', peer },
    ...{ ours: times.layers.processor, theirs: times.torchLayers.processor },
  };
  const bestOfTime = Math.max(rateOf(times.product.processor), rateOf(times.torchProduct.processor));
  const ofTime: BenchRow = {
    ...{ measure: `${title}: operations in a second of processor time`, unit: '10⁹', better: 'higher' },
    ...{ ours: (rate * times.layers.wall) / times.layers.processor, theirs: bestOfTime },
    peer: 'the better library’s best product',
  };
  // What the threads of other programs do not change much; on a card the processor only waits.
  return request.device === 'cpu' ? [...rows, processor, ofTime] : rows;
}

function goal(found: number, wanted: number | undefined, words: string) {
  return wanted === undefined ? {} : { holds: found >= wanted, threshold: `at least ${wanted} ${words}` };
}

export const bench: Bench = {
  title: 'layers and block-steps of the published widths against PyTorch’s, same shapes, threads and type, in turns',
  devices: ['cpu', 'cuda'],
  reads: ['tokens', 'widths'],
  async *run(request) {
    const torch = findTorchPython();
    if (!torch.ok) {
      throw notRun(
        `${torch.reason}: a Python with PyTorch (pip install torch, in an environment outside the repository)`,
      );
    }
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-bench-'));
    try {
      for (const one of layersCases(request)) yield await rowsOf(torch.python, folder, request, one);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
