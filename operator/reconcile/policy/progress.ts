import { framesOf } from '#contract/generation.ts';
import type { Progress } from '#contract/progress.ts';
import { defined } from '../../api/defined.ts';
import type { ProgressStatus, VideoGenerationStatus } from '../../api/status.ts';
import { durationText, millisecondsOf, timeText } from '../../api/time.ts';
import { newestPod, type Observed } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

type Shown = Pick<VideoGenerationStatus, 'progress' | 'display' | 'plan'>;

/** What the runner reported last, its plan, and the texts of kubectl's columns. A new pod begins from nothing. */
export function progressOf(observed: Observed, verdict: Verdict): Shown {
  const progress = progressFields(observed, verdict);
  const plan = observed.report?.plan ?? observed.status?.plan;
  return {
    ...defined({ progress, plan: plan === undefined ? undefined : copyOfPlan(plan) }),
    display: displayOf(observed, verdict, progress),
  };
}

function displayOf(observed: Observed, verdict: Verdict, progress: ProgressStatus | undefined): Shown['display'] {
  // A runner that has not planned yet reports 0 of 0.
  const total = progress?.framesTotal || (observed.spec === undefined ? undefined : framesOf(observed.spec));
  const complete = verdict.outcome === 'complete';
  const ready = complete ? total : (progress?.framesReady ?? 0);
  const eta = verdict.outcome === 'live' ? progress?.etaSeconds : undefined;
  return defined({
    progress: complete ? '100%' : `${progress?.percent ?? 0}%`,
    frames: total === undefined ? undefined : `${ready}/${total}`,
    eta: eta === undefined ? undefined : durationText(eta),
  });
}

function progressFields(observed: Observed, verdict: Verdict): ProgressStatus | undefined {
  const before = observed.status?.progress;
  if (verdict.outcome === 'complete') {
    const frames = verdict.result?.film?.frames;
    return before === undefined || frames === undefined ? before : finished(before, frames);
  }
  if (verdict.outcome === 'failed') return before;
  if (verdict.outcome !== 'live') return undefined;
  if (observed.report !== undefined) return reported(observed.report);
  return newestPod(observed)?.state === 'running' ? before : undefined;
}

function finished(before: ProgressStatus, frames: number): ProgressStatus {
  const { etaSeconds: _over, ...rest } = before;
  return {
    ...rest,
    phase: 'Done',
    percent: 100,
    iteration: rest.iterations,
    blockSteps: rest.blockStepsTotal,
    blocksFinished: rest.blocks,
    framesReady: frames,
    framesTotal: frames,
  };
}

function reported(record: Progress): ProgressStatus {
  const { contractVersion: _v, sequence: _s, time, plan: _p, warnings, percent, etaSeconds, ...counts } = record;
  return defined({
    ...counts,
    percent: Math.floor(percent),
    etaSeconds: etaSeconds === undefined ? undefined : Math.round(etaSeconds),
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
