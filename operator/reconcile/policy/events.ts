import { type Why, why } from '../../api/reasons.ts';
import type { Attempt, VideoGenerationStatus } from '../../api/status.ts';

/** Something that `kubectl describe` shall show. */
export interface StatusEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** Reasons that everybody expects for a moment: no news. */
const QUIET = new Set(['WaitingForPod', 'WaitingForScheduler', 'ContainerCreating', 'PodInitializing']);

/** What has happened between two statuses. */
export function statusEvents(
  before: VideoGenerationStatus | undefined,
  after: VideoGenerationStatus,
): readonly StatusEvent[] {
  const ended = (after.attempts ?? []).filter((attempt) => isNewlyEnded(attempt, before?.attempts ?? []));
  return [
    ...ended.map((attempt) =>
      warning(`Attempt${attempt.outcome}`, `attempt ${attempt.number}: ${attempt.reason}: ${attempt.message}`),
    ),
    ...phaseEvents(before, after),
    ...waitingEvents(before, after),
  ];
}

/** The event of a Job that was started. */
export function jobStartedEvent(job: string): StatusEvent {
  return normal(why('JobStarted', { job }));
}

function phaseEvents(before: VideoGenerationStatus | undefined, after: VideoGenerationStatus): readonly StatusEvent[] {
  if (before?.phase === after.phase) return [];
  const condition = (type: string) => after.conditions.find((c) => c.type === type);
  const normalOf = (type: string) => {
    const found = condition(type);
    return found === undefined ? [] : [normal({ reason: found.reason, message: found.message })];
  };
  switch (after.phase) {
    case 'Starting':
      return normalOf('Scheduled');
    case 'Running':
      return normalOf('Progressing');
    case 'Succeeded':
      return normalOf('Complete');
    case 'Failed':
      return [warning(after.reason ?? 'Failed', after.message ?? '')];
    default:
      return [];
  }
}

function waitingEvents(
  before: VideoGenerationStatus | undefined,
  after: VideoGenerationStatus,
): readonly StatusEvent[] {
  const same = before?.reason === after.reason && before?.message === after.message;
  if (after.reason === undefined || after.phase === 'Failed' || same || QUIET.has(after.reason)) return [];
  return [warning(after.reason, after.message ?? '')];
}

function isNewlyEnded(attempt: Attempt, before: readonly Attempt[]): boolean {
  if (attempt.outcome !== 'Failed' && attempt.outcome !== 'Disrupted') return false;
  const known = before.find((old) => old.number === attempt.number && old.podUid === attempt.podUid);
  return known?.outcome !== attempt.outcome;
}

function normal({ reason, message }: Why): StatusEvent {
  return { type: 'Normal', reason, action: 'Reconcile', note: message };
}

function warning(reason: string, note: string): StatusEvent {
  return { type: 'Warning', reason, action: 'Reconcile', note };
}
