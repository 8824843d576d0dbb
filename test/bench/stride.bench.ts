import type { ScheduleSettings } from '../../runner/plan/schedule.ts';
import { simulate } from '../../runner/plan/simulate.ts';
import type { Bench, BenchRow } from './bench.ts';
import { RING_SLOTS, runTimedStages } from './timed-stages.ts';

const STAGES = [2, 4, 8];
const STRIDES = [1, 2, 4, 6];
/** Long enough that waking a thread (about 0.1 ms on a machine with fewer cores than stages) is a small part, as with real layers. */
const ITEM_MILLISECONDS = 20;
/** How far real threads may be from the schedule on paper, to either side: duration, and the first block's share of it. */
const DURATION_SHARE = 0.015;
const SHARE_POINTS = 0.02;

function scheduleOf(stride: number): ScheduleSettings {
  const steps = 48;
  return { blocks: 10, steps, stride, branches: 1, contextLatents: 4, expertOfStep: new Array<number>(steps).fill(0) };
}

async function rowsOf(stages: number, stride: number): Promise<readonly BenchRow[]> {
  const schedule = scheduleOf(stride);
  const reports = await runTimedStages(schedule, stages, ITEM_MILLISECONDS);
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
      holds: Math.abs((endedAt - start) / onPaper.duration - 1) <= DURATION_SHARE,
      threshold: `within ${DURATION_SHARE * 100} %`,
    },
    {
      measure: `${name}: first block done after`,
      unit: 'of the run',
      ours: (firstBlockAt - start) / (endedAt - start),
      peer: 'on paper',
      theirs: onPaper.firstBlock / onPaper.duration,
      better: 'lower',
      holds:
        Math.abs((firstBlockAt - start) / (endedAt - start) - onPaper.firstBlock / onPaper.duration) <= SHARE_POINTS,
      threshold: `within ${SHARE_POINTS}`,
    },
  ];
}

export const bench: Bench = {
  title: 'threads that follow the schedule at a stride, each item of a fixed time',
  async *run() {
    for (const stages of STAGES) for (const stride of STRIDES) yield await rowsOf(stages, stride);
  },
};
