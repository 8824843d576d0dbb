import type { ConditionSaid, ConditionsSaid } from '../../api/conditions.ts';
import { type Why, why } from '../../api/reasons.ts';
import type { OutputStatus, ProgressStatus } from '../../api/status.ts';
import { isAlive, type JobView, podOf } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/** What the conditions are made from. */
export interface Standing {
  readonly verdict: Verdict;
  readonly waiting: Why | undefined;
  readonly progress: ProgressStatus | undefined;
  readonly output: OutputStatus | undefined;
}

const said = (status: 'True' | 'False', { reason, message }: Why): ConditionSaid => ({ status, reason, message });

/** Scheduled, Progressing, Complete and Failed. */
export function standingConditions(standing: Standing): ConditionsSaid {
  const { verdict, output } = standing;
  switch (verdict.outcome) {
    case 'complete':
      return {
        Progressing: said('False', why('Finished')),
        Complete: said('True', completeWhy(verdict.job, output)),
      };
    case 'failed':
      return {
        Scheduled: said('False', verdict.why),
        Progressing: said('False', verdict.why),
        Failed: said('True', verdict.why),
      };
    case 'live':
    case 'ending':
      return liveConditions(standing, verdict.job);
    case 'held':
      return verdict.job === undefined ? idleConditions(standing) : liveConditions(standing, verdict.job);
    default:
      return idleConditions(standing);
  }
}

/** Ready, Reconciling and Stalled, as kstatus (and through it Flux, Argo CD, `kubectl wait`) reads them. */
export function kstatusConditions(standing: Standing): ConditionsSaid {
  const { verdict, output } = standing;
  if (verdict.outcome === 'complete') {
    const ready = completeWhy(verdict.job, output);
    return {
      Ready: said('True', ready),
      Reconciling: said('False', why('Finished')),
      Stalled: said('False', ready),
    };
  }
  const doing = standing.waiting ?? runningWhy(standing.progress);
  const stuck = verdict.outcome === 'failed' || verdict.outcome === 'stalled';
  return {
    Ready: said('False', doing),
    Reconciling: said(stuck ? 'False' : 'True', doing),
    Stalled: said(stuck ? 'True' : 'False', doing),
  };
}

function idleConditions({ waiting = why('Finished') }: Standing): ConditionsSaid {
  return { Scheduled: said('False', waiting), Progressing: said('False', waiting) };
}

function liveConditions({ verdict, waiting, progress }: Standing, job: JobView): ConditionsSaid {
  const { suspended } = job;
  const pod = podOf(job);
  const running = pod?.state === 'running';
  const reason = waiting ?? runningWhy(progress);
  // A pod that has ended runs nowhere, unless its Job is to make the next one.
  const isNext = verdict.outcome === 'live' && suspended === undefined;
  const over = !isNext && (pod === undefined || !isAlive(pod));
  const place =
    pod?.scheduled === true && !over ? why('PodScheduled', { pod: pod.name, node: pod.node ?? '?' }) : undefined;
  return {
    Scheduled: place === undefined ? said('False', reason) : said('True', place),
    Progressing: said(running ? 'True' : 'False', reason),
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
