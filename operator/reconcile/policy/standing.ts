import type { ConditionClaim, ConditionClaims } from '../../api/conditions.ts';
import { type Why, why } from '../../api/reasons.ts';
import type { OutputStatus, ProgressStatus } from '../../api/status.ts';
import type { PodView } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/** What the conditions are made from. */
export interface Standing {
  readonly verdict: Verdict;
  readonly pod: PodView | undefined;
  readonly waiting: Why | undefined;
  readonly progress: ProgressStatus | undefined;
  readonly output: OutputStatus | undefined;
}

const claim = (status: 'True' | 'False', { reason, message }: Why): ConditionClaim => ({ status, reason, message });

/** Scheduled, Progressing, Complete and Failed. */
export function standingConditions(standing: Standing): ConditionClaims {
  const { verdict, output } = standing;
  switch (verdict.outcome) {
    case 'complete':
      return {
        Progressing: claim('False', why('Finished')),
        Complete: claim('True', completeWhy(verdict.job, output)),
      };
    case 'failed':
      return { Progressing: claim('False', verdict.why), Failed: claim('True', verdict.why) };
    case 'live':
      return liveConditions(standing);
    default: {
      const reason = standing.waiting ?? why('Finished');
      return { Scheduled: claim('False', reason), Progressing: claim('False', reason) };
    }
  }
}

/** Ready, Reconciling and Stalled, as kstatus (and through it Flux, Argo CD, `kubectl wait`) reads them. */
export function kstatusConditions(standing: Standing): ConditionClaims {
  const { verdict, output } = standing;
  if (verdict.outcome === 'complete') {
    const ready = completeWhy(verdict.job, output);
    return {
      Ready: claim('True', ready),
      Reconciling: claim('False', why('Finished')),
      Stalled: claim('False', ready),
    };
  }
  const doing = standing.waiting ?? runningWhy(standing.progress);
  const stuck = verdict.outcome === 'failed' || verdict.outcome === 'stalled';
  return {
    Ready: claim('False', doing),
    Reconciling: claim(stuck ? 'False' : 'True', doing),
    Stalled: claim(stuck ? 'True' : 'False', doing),
  };
}

function liveConditions({ pod, waiting, progress }: Standing): ConditionClaims {
  const running = pod?.state === 'running';
  const reason = waiting ?? runningWhy(progress);
  const place = pod?.scheduled === true ? why('PodScheduled', { pod: pod.name, node: pod.node ?? '?' }) : undefined;
  return {
    Scheduled: place === undefined ? claim('False', reason) : claim('True', place),
    Progressing: claim(running ? 'True' : 'False', reason),
  };
}

function runningWhy(progress: ProgressStatus | undefined): Why {
  if (progress === undefined) return why('RunnerStarted');
  return { reason: progress.phase, message: why('RunnerWorking', { phase: progress.phase.toLowerCase() }).message };
}

function completeWhy(job: string, output: OutputStatus | undefined): Why {
  return output === undefined
    ? why('CompletedWithoutResult', { job })
    : why('FilmReady', { location: output.location });
}
