/** Makes a film as `generate` does, in this process, and says when what was done. Standard input: its job spec and where it is made, as JSON. */
import { readFileSync } from 'node:fs';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { lookForGpus } from '../../../runner/devices.ts';
import { generate } from '../../../runner/generate.ts';
import { scheduleOf } from '../../../runner/plan/plan-schedule.ts';
import { simulate } from '../../../runner/plan/simulate.ts';
import { planJob } from '../../../runner/plan-job.ts';
import { createTracker, type Tracker } from '../../../runner/report/tracker.ts';

/** Seconds from the start of denoising, and the largest resident memory. */
export interface FilmReport {
  readonly textSeconds: number;
  /** First frames ready; last block-step; all frames ready. */
  readonly firstFrames: number;
  readonly lastBlockStep: number;
  readonly lastFrames: number;
  readonly total: number;
  /** Of all threads, from the start of the process. */
  readonly processorSeconds: number;
  readonly peakBytes: number;
  readonly plan: {
    readonly blocks: number;
    readonly surplusLatents: number;
    readonly stride: number;
    /** When the first block is done, as a share of the run on paper, all stages being equally fast. */
    readonly firstBlockShare: number;
  };
}

async function main(): Promise<FilmReport> {
  const { film, device } = JSON.parse(readFileSync(0, 'utf8')) as { film: unknown; device: string };
  const spec = jobSpecSchema.parse(film);
  const { plan } = planJob(spec, process.env, { device, found: await lookForGpus(process.env, device) });
  const { blocks, surplusLatents, stride, ringSlots } = plan;
  const { firstBlock, duration } = simulate(scheduleOf(plan), { stageTimes: plan.stages.map(() => 1), ringSlots });
  const at = { encoding: 0, loading: 0, denoising: 0, firstFrames: 0, lastBlockStep: 0, lastFrames: 0 };
  const now = () => performance.now() / 1000;
  const tracker: Tracker = {
    ...createTracker(() => performance.now()),
    phase(phase) {
      if (phase === 'Encoding') at.encoding = now();
      else if (phase === 'Loading') at.loading = now();
      else if (phase === 'Denoising') at.denoising = now();
    },
    blockStep() {
      at.lastBlockStep = now();
    },
    frames() {
      at.lastFrames = now();
      if (at.firstFrames === 0) at.firstFrames = at.lastFrames;
    },
  };
  const nothing = () => undefined;
  const listeners = { changed: nothing, published: nothing, kept: nothing, resumable: nothing };
  const io = { tracker, lanes: { read: () => [] }, ...listeners };
  await generate(spec, io, { device }, new AbortController().signal);
  const { user, system } = process.cpuUsage();
  return {
    textSeconds: at.loading - at.encoding,
    firstFrames: at.firstFrames - at.denoising,
    lastBlockStep: at.lastBlockStep - at.denoising,
    lastFrames: at.lastFrames - at.denoising,
    total: at.lastFrames - at.encoding,
    processorSeconds: (user + system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    plan: { blocks, surplusLatents, stride, firstBlockShare: firstBlock / duration },
  };
}

console.log(JSON.stringify(await main()));
