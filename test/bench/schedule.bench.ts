import type { ScheduleSettings } from '../../runner/plan/schedule.ts';
import { itemsOf } from '../../runner/plan/schedule.ts';
import { simulate } from '../../runner/plan/simulate.ts';
import type { Bench, BenchRow } from './bench.ts';
import { runTimedParts } from './timed-parts.ts';
import { RING_SLOTS, runTimedStages } from './timed-stages.ts';

const STAGES = [2, 4, 8];
const BLOCKS = 32;
const STEPS = 50;
const BRANCHES = 2;
/** Long beside waking a thread (about 0.1 ms where there are fewer cores than stages), as with real layers. */
const ITEM_MILLISECONDS = 20;
const WANTED_SHARE = 0.99;
const LATENTS = 64;
/** Parts of a decoder are told by messages to go on, which at the length of real items is next to nothing. */
const WANTED_SHARE_OF_PARTS = 0.97;
const SCHEDULE: ScheduleSettings = {
  blocks: BLOCKS,
  steps: STEPS,
  branches: BRANCHES,
  contextLatents: 4,
  expertOfStep: new Array<number>(STEPS).fill(0),
};

/**
 * Slots of the last stage in which it must rest, whatever the order: a block-step waits for the one before it and its left neighbour's,
 * so iteration i cannot begin before (N + 1) · i slots with two branches, and has 2 · (i + 1) items; the same from the end backwards.
 */
function restsOf(stages: number): number {
  const slots = stages + BRANCHES - 1;
  let rests = 0;
  for (let block = 1; BRANCHES * block < slots; block++) rests += slots - BRANCHES * block;
  return 2 * rests;
}

function onPaperRow(stages: number, ours: number) {
  return { measure: `N = ${stages}: duration on paper`, unit: 'items', ours, better: 'lower' } as const;
}

async function rowsOf(stages: number): Promise<readonly BenchRow[]> {
  const items = itemsOf(SCHEDULE);
  const ideal = items + stages - 1;
  const stageTimes = new Array<number>(stages).fill(1);
  const onPaper = simulate(SCHEDULE, { stageTimes, ringSlots: RING_SLOTS }).duration;
  const least = ideal + restsOf(stages);
  const reports = await runTimedStages(SCHEDULE, stages, ITEM_MILLISECONDS);
  const mean = reports.reduce((sum, { itemMilliseconds }) => sum + itemMilliseconds, 0) / stages;
  const measured = (reports.at(-1)!.endedAt - reports[0]!.startedAt) / mean;
  const published = (BLOCKS * STEPS + stages ** 2 - 1) * BRANCHES;
  const row = (measure: string, ours: number, peer: string, theirs: number, holds: boolean, threshold: string) =>
    ({
      measure: `N = ${stages}: ${measure}`,
      unit: 'items',
      ours,
      peer,
      theirs,
      better: 'lower',
      holds,
      threshold,
    }) as const;
  const share = `at least ${WANTED_SHARE} of it`;
  return [
    // Nobody can reach these: without the rests and the filling that the dependencies ask for.
    { ...onPaperRow(stages, onPaper), peer: 'the bare items', theirs: items },
    row('duration on paper', onPaper, 'the least that the dependencies allow', least, onPaper === least, 'equal'),
    row(
      'duration on paper',
      onPaper,
      `${items} items and filling the stages`,
      ideal,
      ideal / onPaper >= WANTED_SHARE,
      share,
    ),
    row('duration of real threads', measured, 'the same', ideal, ideal / measured >= WANTED_SHARE, share),
    row('duration of real threads', measured, '(T·B + N² − 1) block-steps', published, measured < published, 'shorter'),
  ];
}

/** A decoder in parts, latents of a fixed time in each: as fast as one part, but for filling the others. */
async function decoderRows(): Promise<readonly BenchRow[]> {
  const perLatent = (await runTimedParts(1, LATENTS, ITEM_MILLISECONDS)) / LATENTS;
  const rows: BenchRow[] = [];
  for (const parts of STAGES) {
    const measured = (await runTimedParts(parts, LATENTS, ITEM_MILLISECONDS)) / perLatent;
    const ideal = LATENTS + parts - 1;
    rows.push({
      measure: `decoder in ${parts} parts: ${LATENTS} latents through real threads`,
      unit: "latents of one part's time",
      ours: measured,
      peer: 'latents and filling the parts',
      theirs: ideal,
      better: 'lower',
      holds: ideal / measured >= WANTED_SHARE_OF_PARTS,
      threshold: `at least ${WANTED_SHARE_OF_PARTS} of it`,
    });
  }
  return rows;
}

export const bench: Bench = {
  title: `${BLOCKS} blocks of ${STEPS} steps and ${BRANCHES} branches in real threads, each item of a fixed time`,
  async *run() {
    for (const stages of STAGES) yield await rowsOf(stages);
    yield await decoderRows();
  },
};
