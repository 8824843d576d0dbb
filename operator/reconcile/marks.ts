import type { CheckpointRecord, Progress, ResumedFrom } from '#contract/progress.ts';
import type { Result } from '#contract/result.ts';
import { defined } from '../api/defined.ts';
import type { Attempt } from '../api/status.ts';
import { byIdentity, identityOf, isEnded } from './attempts.ts';
import { stillUnhealthy, withDevices } from './device-health.ts';
import { type JobView, newestPod, type Observed, writtenProgress } from './observed.ts';

/** Phases in which iterations have begun: what fails before them fails at none. */
const AT_ITERATIONS: readonly string[] = ['Denoising', 'Finishing', 'Done'];

/** What a pod's runner has said so far of where it went on and how far it came. */
interface Said {
  readonly resumedFrom?: ResumedFrom;
  readonly checkpoint?: CheckpointRecord;
  readonly iteration?: number;
}

/** A runner's last words count before its last report, and that before what is written down of it. */
export function saidBy(podUid: string | undefined, observed: Observed): Said {
  const last = observed.jobs.flatMap(({ pods }) => pods).find(({ uid }) => uid === podUid)?.result;
  const newest = newestPod(observed);
  const report = newest !== undefined && newest.uid === podUid ? observed.report : undefined;
  return defined({
    resumedFrom: last?.resumedFrom ?? report?.resumedFrom,
    checkpoint: last?.checkpoint ?? report?.checkpoint,
    iteration: last?.iteration ?? iterationIn(last, report) ?? writtenIteration(podUid, observed),
  });
}

/** A run that has left its last words would have said so. */
function iterationIn(last: Result | undefined, report: Progress | undefined): number | undefined {
  if (last !== undefined || report === undefined || !AT_ITERATIONS.includes(report.phase)) return undefined;
  return report.iteration;
}

function writtenIteration(podUid: string | undefined, { status }: Observed): number | undefined {
  const progress = writtenProgress(podUid, status);
  return progress !== undefined && AT_ITERATIONS.includes(progress.phase) ? progress.iteration : undefined;
}

/**
 * The attempts with how many GPUs they have, which of them are unhealthy, where they went on, after which iteration their newest checkpoint was made and, of those
 * that have ended, at which iteration. Of an end that is written down nothing changes any more.
 */
export function marked(attempts: readonly Attempt[], observed: Observed): readonly Attempt[] {
  const known = byIdentity(observed.status);
  return attempts.map((attempt) => {
    const before = known.get(identityOf(attempt));
    return before !== undefined && isEnded(before) ? attempt : withMarks(attempt, before, observed);
  });
}

/** How many GPUs an attempt has, and why not those that the spec wants. */
export function sizeMarks(
  number: number,
  job: Pick<JobView, 'gpus'> | undefined,
  { status, spec }: Observed,
): Pick<Attempt, 'gpus' | 'gpusReason'> {
  const { claim } = status ?? {};
  const sized = claim?.attempt === number ? claim.sized : undefined;
  return defined({ gpus: job?.gpus ?? sized?.gpus ?? spec?.parallelism.gpus, gpusReason: sized?.why });
}

function withMarks(attempt: Attempt, before: Attempt | undefined, observed: Observed): Attempt {
  const said = saidBy(attempt.podUid, observed);
  const reached = Math.max(before?.checkpointIteration ?? 0, said.checkpoint?.iteration ?? 0);
  const hadIterations = isEnded(attempt) && attempt.outcome !== 'Succeeded';
  const job = observed.jobs.find(({ name }) => name === attempt.job);
  const size = sizeMarks(attempt.number, job, observed);
  const pod = observed.jobs.flatMap(({ pods }) => pods).find(({ uid }) => uid === attempt.podUid);
  return defined({
    ...withDevices(attempt, stillUnhealthy(pod, before?.unhealthyDevices)),
    gpus: before?.gpus ?? size.gpus,
    gpusReason: before?.gpusReason ?? size.gpusReason,
    // A checkpoint that turns out to be damaged is passed over for an older one: what it says last counts.
    resumedFromIteration: said.resumedFrom?.iteration ?? before?.resumedFromIteration,
    checkpointIteration: reached === 0 ? undefined : reached,
    iteration: hadIterations ? said.iteration : undefined,
  });
}
