import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { openFilmCheckpoints } from '../../runner/film-checkpoints.ts';
import { openCuts } from '../../runner/pipeline/cut.ts';
import {
  CELLS,
  createSharedMemory,
  cutBytes,
  latentElements,
  ownLatents,
  type SharedMemory,
} from '../../runner/pipeline/layout.ts';
import { type Plan, planRun } from '../../runner/plan/plan.ts';
import { scheduleOf } from '../../runner/plan/plan-schedule.ts';
import { allItems } from '../../runner/plan/schedule.ts';
import { folderStore } from '../../runner/store/folder.ts';
import { devices, float32Bytes, job, WAN_1_3B } from '../build/film-plan.ts';
import { type Bench, type BenchRow, medianOf } from './bench.ts';
import { FINGERPRINT, resumeRows, SHAPE, tinyRow } from './checkpoint-resume.ts';
import type { CutStage } from './programs/cut-stage.ts';

const SIZES = [
  { name: '480p', width: 832, height: 480, isWanted: true },
  { name: '720p', width: 1280, height: 720, isWanted: false },
];
type Size = (typeof SIZES)[number];
const STEPS = 50;
const ITEM_MILLISECONDS = 10;
const TURNS = 2;
const LOOK_MILLISECONDS = 5;
const EVERY_SECONDS = 60;
const MOST_COST = 0.01;
const MOST_MEMORY = 2;
/** In the type in which they are published. */
const WEIGHT_BYTES = float32Bytes(WAN_1_3B).layers.reduce((sum, bytes) => sum + bytes) / 2;

function planOf(size: { readonly width: number; readonly height: number }): Plan {
  const sampling = { steps: STEPS, guidanceScale: 1, maxSequenceLength: 512 };
  const { width, height } = size;
  return planRun(job({ size: { width, height }, sampling }), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(8));
}

/** Memory of a run in which every state has numbers: pages that nobody has written take no room. */
function filledMemory(plan: Plan): SharedMemory {
  const shared = createSharedMemory(plan, SHAPE);
  const numbers = new Float32Array(shared.states);
  for (let at = 0; at < numbers.length; at++) numbers[at] = (at * 2654435761) % 1000003;
  return shared;
}

interface Run {
  readonly milliseconds: number;
  readonly checkpoints: number;
  readonly peakBytes: number;
}

/** A run of the stage that updates; with a folder checkpoints are made in it, each as soon as the one before is written. */
async function run(plan: Plan, states: SharedMemory, folder: string | undefined): Promise<Run> {
  const shared = { ...states, control: new SharedArrayBuffer(states.control.byteLength) };
  const schedule = scheduleOf(plan);
  const cuts = openCuts(plan, schedule, shared);
  const workerData: CutStage = { plan, schedule, shared, itemMilliseconds: ITEM_MILLISECONDS };
  const checkpoints = folder === undefined ? undefined : checkpointsIn(folder, plan);
  const items = allItems(schedule);
  const ends = items.flatMap(({ step, index }) => (step === STEPS - 1 ? [index] : []));
  const cells = new Int32Array(shared.control);
  let finished = 0;
  let peakBytes = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    const done = Atomics.load(cells, CELLS.done(0));
    for (; ends[finished]! < done; finished++) {
      const count = ownLatents(plan, finished);
      const shape = [1, plan.latentChannels, count, plan.latentHeight, plan.latentWidth];
      const data = new Float32Array(count * latentElements(plan)).fill(finished + 1);
      checkpoints?.keep({ index: finished, firstLatent: 0, latents: { shape, data } });
    }
    cuts.look(done === 0 ? 0 : items[done - 1]!.ordinal + 1);
  };
  const timer = setInterval(look, LOOK_MILLISECONDS);
  const thread = new Worker(new URL('./programs/cut-stage.ts', import.meta.url), { workerData });
  checkpoints?.start({ cuts });
  const [milliseconds] = (await once(thread, 'message')) as [number];
  clearInterval(timer);
  cuts.end();
  await checkpoints?.[Symbol.asyncDispose]();
  return { milliseconds, checkpoints: Atomics.load(cells, CELLS.cutsMade), peakBytes };
}

function checkpointsIn(folder: string, plan: Plan) {
  const film = {
    checkHeld: async () => undefined,
    entries: () => ({ encoder: '', init: null, blocks: [] }),
    leaveBlocks: () => undefined,
  };
  return openFilmCheckpoints({
    ...{ store: folderStore(folder), film, plan, fingerprint: FINGERPRINT, everySeconds: 0, from: undefined },
    stopMilliseconds: 50_000,
    warn: (text) => {
      throw new Error(text);
    },
  });
}

async function* rowsOf(size: Size, folder: string): AsyncGenerator<readonly BenchRow[]> {
  const plan = planOf(size);
  const shared = filledMemory(plan);
  const [bare, made]: [Run[], Run[]] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    bare.push(await run(plan, shared, undefined));
    made.push(await run(plan, shared, folder));
  }
  const middle = (runs: readonly Run[]) => medianOf(runs.map(({ milliseconds }) => milliseconds));
  const count = medianOf(made.map(({ checkpoints }) => checkpoints));
  const cost = Math.max(0, middle(made) - middle(bare)) / count / 1000;
  const state = cutBytes(plan);
  const used = state + made[0]!.peakBytes - bare[0]!.peakBytes;
  yield [
    {
      ...{
        measure: `${size.name}: a run of ${EVERY_SECONDS} s with a checkpoint (cost of one of ${count})`,
        unit: 's',
      },
      ...{ ours: EVERY_SECONDS + cost, peer: 'without', theirs: EVERY_SECONDS, better: 'lower' },
      ...(size.isWanted
        ? { holds: cost <= MOST_COST * EVERY_SECONDS, threshold: `at most ${100 * MOST_COST} % more` }
        : {}),
    },
    ...(size.isWanted ? [memoryRow(size.name, state, used)] : []),
  ];
  const { name, isWanted } = size;
  yield await resumeRows({ name, isWanted, plan, folder, weightBytes: WEIGHT_BYTES });
}

/** Of the first size alone: memory of one before it may still be given back. */
function memoryRow(name: string, state: number, used: number): BenchRow {
  return {
    ...{ measure: `${name}: memory of the states in flight and all that checkpoints take`, unit: 'MB' },
    ...{ ours: used / 1e6, peer: 'the states', theirs: state / 1e6, better: 'lower' },
    ...{ holds: used <= MOST_MEMORY * state, threshold: `at most ${MOST_MEMORY} × it` },
  };
}

export const bench: Bench = {
  title: `checkpoints of 1,025 frames in ${STEPS} steps at real size, each item of a fixed time`,
  async *run() {
    for (const size of SIZES) {
      const folder = mkdtempSync(join(tmpdir(), 'dualparal-bench-'));
      try {
        yield* rowsOf(size, folder);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
    yield [await tinyRow()];
  },
};
