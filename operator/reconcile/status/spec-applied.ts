import type { ConditionsSaid } from '../../api/conditions.ts';
import { why } from '../../api/reasons.ts';
import type { Observed } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/**
 * Condition `SpecApplied`: whether the Job at work was made from `spec.runner` as it is now. A Job is never changed, so an edit of
 * it counts from the next attempt on, and is not passed over in silence. It is said once there was such an edit.
 */
export function specAppliedCondition(observed: Observed, verdict: Verdict): ConditionsSaid {
  const before = observed.status?.conditions.find(({ type }) => type === 'SpecApplied');
  if (verdict.outcome === 'complete' || verdict.outcome === 'failed') {
    return before?.status === 'False' ? { SpecApplied: { status: 'False', ...why('SpecCameTooLate') } } : {};
  }
  if (verdict.outcome !== 'live' || verdict.job.runnerChanges === undefined) return {};
  const { name: job, runnerChanges: changes } = verdict.job;
  if (changes.length > 0) {
    const fields = changes.map((field) => `spec.runner.${field}`).join(', ');
    return { SpecApplied: { status: 'False', ...why('SpecNotApplied', { fields, job }) } };
  }
  return before === undefined ? {} : { SpecApplied: { status: 'True', ...why('SpecIsApplied', { job }) } };
}
