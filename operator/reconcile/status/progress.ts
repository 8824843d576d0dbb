import type { Progress } from '#contract/progress.ts';
import type { Work } from '#contract/result.ts';
import { defined } from '../../api/defined.ts';
import type { Attempt, ProgressStatus, VideoGenerationStatus } from '../../api/status.ts';
import { durationText, millisecondsOf, notAfter, timeText } from '../../api/time.ts';
import { newestPod, type Observed, writtenProgress } from '../observed.ts';
import type { Context, Verdict } from '../verdict.ts';

type Shown = Pick<VideoGenerationStatus, 'progress' | 'plan'>;

/** What the runner reported last, and its plan. A new pod begins from nothing. */
export function progressOf({ observed, attempts, now }: Context, verdict: Verdict): Shown {
  const plan = planOf(observed);
  // What it told may have waited to be written down: it got on when it was heard.
  const heard = observed.report === undefined ? now : now - observed.silentMs;
  const times = { now, heard };
  return defined({
    progress: advanced(progressFields(observed, { attempts, now }, verdict), observed.status?.progress, times),
    plan: plan === undefined ? undefined : copyOfPlan(plan),
  });
}

function planOf({ report, status }: Observed): Shown['plan'] {
  return report?.plan ?? status?.plan;
}

function progressFields(
  observed: Observed,
  { attempts, now }: { readonly attempts: readonly Attempt[]; readonly now: number },
  verdict: Verdict,
): ProgressStatus | undefined {
  if (verdict.outcome === 'complete') return completed(observed, verdict, now);
  // A pod that has come meanwhile begins from nothing, also where no attempt follows it.
  const before = writtenProgress(attempts.at(-1)?.podUid, observed.status);
  if (verdict.outcome === 'failed') return before === undefined ? undefined : withoutEta(before);
  // What a runner tells beyond that takes a stall back.
  if (verdict.outcome === 'ending') return before;
  if (verdict.outcome !== 'live') return undefined;
  // What a pod of an earlier Job told is none of this one's.
  const pod = verdict.job.pods.length === 0 ? undefined : newestPod(observed);
  const isLast = pod !== undefined && pod.uid === attempts.at(-1)?.podUid;
  // A pod that has ended, and was followed by one that is gone, has nothing to say any more.
  if (observed.report !== undefined && isLast) return reported(observed.report);
  return pod?.state === 'running' ? writtenProgress(pod.uid, observed.status) : undefined;
}

function completed(
  observed: Observed,
  { result, endTime = '' }: Verdict & { readonly outcome: 'complete' },
  now: number,
): ProgressStatus | undefined {
  const before = observed.status?.progress;
  const { film, work } = result ?? {};
  if (film === undefined) return before;
  return finished(before, film.frames, { work: work ?? planOf(observed), time: endTime || timeText(now) });
}

/** With the time of our own clock at which it was heard to get on. */
function advanced(
  next: ProgressStatus | undefined,
  before: ProgressStatus | undefined,
  { now, heard }: { readonly now: number; readonly heard: number },
): ProgressStatus | undefined {
  if (next === undefined) return undefined;
  const { phase, percent, blockSteps, blocksFinished, framesReady } = next;
  const same =
    before?.lastAdvanceTime !== undefined &&
    [before.phase, before.percent, before.blockSteps, before.blocksFinished, before.framesReady].join() ===
      [phase, percent, blockSteps, blocksFinished, framesReady].join();
  const known = same ? before?.lastAdvanceTime : undefined;
  return { ...next, lastAdvanceTime: notAfter(known ?? timeText(heard), timeText(now)) };
}

/**
 * All of it is done, also where no report of it ever came: its runner's last word tells what the film took, or else the plan does. The
 * last report may be of before the runner had planned.
 */
function finished(
  before: ProgressStatus | undefined,
  frames: number,
  said: { readonly work: Pick<Work, 'iterations' | 'blocks' | 'blockSteps'> | undefined; readonly time: string },
): ProgressStatus {
  const rest = before === undefined ? { lastReportTime: said.time } : withoutEta(before);
  const { iterations = 0, blockStepsTotal = 0, blocks = 0 } = before ?? {};
  const work = said.work ?? { iterations, blocks, blockSteps: blockStepsTotal };
  return {
    ...rest,
    phase: 'Done',
    percent: 100,
    iteration: work.iterations,
    iterations: work.iterations,
    blockSteps: work.blockSteps,
    blockStepsTotal: work.blockSteps,
    blocksFinished: work.blocks,
    blocks: work.blocks,
    framesReady: frames,
    framesTotal: frames,
  };
}

/** Work that is over has no time to go. */
function withoutEta({ etaSeconds: _seconds, eta: _text, ...rest }: ProgressStatus): ProgressStatus {
  return rest;
}

function reported(record: Progress): ProgressStatus {
  const { contractVersion: _v, sequence: _s, time, plan: _p, warnings, percent, etaSeconds, ...rest } = record;
  // What it says of checkpoints has places of its own.
  const { resumedFrom: _r, checkpoint: _c, checkpointFailure: _f, ...counts } = rest;
  return defined({
    ...counts,
    percent: Math.floor(percent),
    etaSeconds: etaSeconds === undefined ? undefined : Math.round(etaSeconds),
    eta: etaSeconds === undefined ? undefined : durationText(etaSeconds),
    warnings: warnings === undefined ? undefined : [...warnings],
    lastReportTime: timeText(millisecondsOf(time)),
  });
}

function copyOfPlan({
  latents,
  blocks,
  stride,
  iterations,
  blockSteps,
  stages,
}: NonNullable<VideoGenerationStatus['plan']>) {
  return { latents, blocks, stride, iterations, blockSteps, stages: stages.map((stage) => ({ ...stage })) };
}
