import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CELLS } from '../../runner/pipeline/layout.ts';
import { raise } from '../../runner/pipeline/ring.ts';
import type { ScheduleSettings } from '../../runner/plan/schedule.ts';
import { simulate } from '../../runner/plan/simulate.ts';
import type { Bench, BenchRow } from './bench.ts';
import type { TimedStage, TimedStageReport } from './programs/timed-stage.ts';

const STAGES = [2, 4, 8];
const STRIDES = [1, 2, 4, 6];
const ITEM_MILLISECONDS = 8;
const RING_SLOTS = 2;
/** How far real threads may be from the schedule on paper: duration, and the first block's share of it. */
const DURATION_RATIO = 1.015;
const SHARE_POINTS = 0.02;

function scheduleOf(stride: number): ScheduleSettings {
  const steps = 48;
  return { blocks: 10, steps, stride, branches: 1, contextLatents: 4, expertOfStep: new Array<number>(steps).fill(0) };
}

/** Real threads over the real ring; what each of them measured, in stage order. */
async function runThreads(schedule: ScheduleSettings, stages: number): Promise<readonly TimedStageReport[]> {
  const control = new SharedArrayBuffer(CELLS.done(stages) * Int32Array.BYTES_PER_ELEMENT);
  const threads = Array.from({ length: stages }, (_, stage) => {
    const task: TimedStage = {
      control,
      stage,
      stages,
      ringSlots: RING_SLOTS,
      itemMilliseconds: ITEM_MILLISECONDS,
      schedule,
    };
    return new Worker(new URL('./programs/timed-stage.ts', import.meta.url), { workerData: task });
  });
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  const reports = threads.map(async (thread) => (await once(thread, 'message'))[0] as TimedStageReport);
  raise(new Int32Array(control), CELLS.conditions);
  return Promise.all(reports);
}

async function rowsOf(stages: number, stride: number): Promise<readonly BenchRow[]> {
  const schedule = scheduleOf(stride);
  const reports = await runThreads(schedule, stages);
  const start = reports[0]!.startedAt;
  const { endedAt, firstBlockAt } = reports.at(-1)!;
  const stageTimes = reports.map(({ itemMilliseconds }) => itemMilliseconds);
  const onPaper = simulate(schedule, { stageTimes, ringSlots: RING_SLOTS });
  const name = `N = ${stages}, s = ${stride}`;
  return [
    {
      measure: `${name}: duration`,
      unit: 'ms',
      ours: endedAt - start,
      peer: 'on paper',
      theirs: onPaper.duration,
      better: 'lower',
      holds: (endedAt - start) / onPaper.duration <= DURATION_RATIO,
      threshold: `at most ${DURATION_RATIO} of it`,
    },
    {
      measure: `${name}: first block done after`,
      unit: 'of the run',
      ours: (firstBlockAt - start) / (endedAt - start),
      peer: 'on paper',
      theirs: onPaper.firstBlockShare,
      better: 'lower',
      holds: Math.abs((firstBlockAt - start) / (endedAt - start) - onPaper.firstBlockShare) <= SHARE_POINTS,
      threshold: `within ${SHARE_POINTS}`,
    },
  ];
}

export const bench: Bench = {
  title: 'threads that follow the schedule at a stride, each item of a fixed time',
  async run() {
    const rows: BenchRow[] = [];
    for (const stages of STAGES) for (const stride of STRIDES) rows.push(...(await rowsOf(stages, stride)));
    return rows;
  },
};
