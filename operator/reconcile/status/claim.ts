import { defined } from '../../api/defined.ts';
import type { Claim } from '../../api/status.ts';
import { jobName } from '../../job/names.ts';
import type { Observed } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/**
 * The newest Job, as the status tells it: what is about to be made, or what was. Written before the Job is made, on the
 * very version of the resource that it is made from; so of two who want to start, one is refused.
 */
export function claimOf(observed: Observed, verdict: Verdict): Claim | undefined {
  const { resource, specHash = '', status, jobs } = observed;
  if (verdict.outcome === 'start') {
    const attempt = verdict.attempt;
    const { sized } = verdict;
    return {
      attempt,
      job: jobName(resource, attempt),
      generation: resource.generation,
      specHash,
      ...defined({ sized }),
    };
  }
  const newest = jobs.findLast((job) => job.gone !== true);
  const before = status?.claim;
  if (newest === undefined || newest.number < (before?.attempt ?? 1)) return before;
  const { number: attempt, name: job, generation, uid: jobUid } = newest;
  const known = before?.attempt === attempt ? before.specHash : '';
  // A complaint that it is missing is looked into; what is told here is that it was written once.
  const frozen =
    newest.frozen === 'written' || (before?.jobUid === jobUid && before?.frozen === true) ? true : undefined;
  const sized = before?.attempt === attempt ? before.sized : undefined;
  return defined({ attempt, job, generation, specHash: newest.specHash ?? known, sized, jobUid, frozen });
}
