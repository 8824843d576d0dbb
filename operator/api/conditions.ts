import type { Condition } from './kubernetes.ts';
import type { Phase } from './status.ts';
import { notAfter } from './time.ts';

/** Types of our conditions, in the order in which the status lists them. */
export const CONDITION_TYPES = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Scheduled',
  'Progressing',
  'Suspended',
  'Complete',
  'Failed',
  'ProgressStale',
  'SpecApplied',
  'CheckpointFailing',
  'DevicesUnhealthy',
  'Warnings',
] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/** What a reporter says of one condition; when it began is found by comparing with the last status. */
export interface ConditionSaid {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

export type ConditionsSaid = Readonly<Partial<Record<ConditionType, ConditionSaid>>>;

type FullCondition = Required<Condition>;

/**
 * Conditions of the next status: a claimed one keeps its transition time while its status stays, one that nobody claims
 * stays as it is, and order is that of {@link CONDITION_TYPES}. No transition is still to come: a clock was ahead when it was written, and
 * nothing that is counted from it would ever happen.
 */
export function nextConditions(
  previous: readonly Condition[],
  claims: ConditionsSaid,
  at: { readonly generation: number; readonly time: string },
): readonly FullCondition[] {
  return CONDITION_TYPES.flatMap((type) => {
    const old = previous.find((condition) => condition.type === type);
    const claim = claims[type];
    if (claim === undefined) return old === undefined ? [] : [dated(old as FullCondition, at.time)];
    const kept = old?.status === claim.status ? old.lastTransitionTime : undefined;
    return [dated({ type, ...claim, observedGeneration: at.generation, lastTransitionTime: kept ?? at.time }, at.time)];
  });
}

function dated(condition: FullCondition, time: string): FullCondition {
  return { ...condition, lastTransitionTime: notAfter(condition.lastTransitionTime, time) };
}

/** The one word that `kubectl get` shows. */
export function phaseOf(conditions: readonly Condition[]): Phase {
  const holds = (type: ConditionType) => conditions.some((c) => c.type === type && c.status === 'True');
  if (holds('Complete')) return 'Succeeded';
  if (holds('Failed')) return 'Failed';
  if (holds('Suspended')) return 'Suspended';
  if (holds('Progressing')) return 'Running';
  return holds('Scheduled') ? 'Starting' : 'Queued';
}
