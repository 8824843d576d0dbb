import { why } from '../../api/reasons.ts';
import type { Attempt } from '../../api/status.ts';
import { millisecondsOf, timeText } from '../../api/time.ts';
import { liveJob } from '../observed.ts';
import type { Action, Gate } from '../verdict.ts';
import { countOutcome, endingOf } from './attempts.ts';

const FIRST_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 300_000;

/** Too many failures, or too many disruptions, which are counted apart: the film is given up. */
export const exhausted: Gate = ({ observed, attempts }) => {
  if (observed.spec === undefined) return undefined;
  const { retries } = observed.spec;
  const failures = countOutcome(attempts, 'Failed');
  const disruptions = countOutcome(attempts, 'Disrupted');
  if (failures > retries.failures) {
    const last = attempts.findLast((attempt) => attempt.outcome === 'Failed');
    const values = { found: failures, limit: retries.failures, why: last === undefined ? '' : endingOf(last) };
    return { outcome: 'failed', why: why('FailuresExhausted', values), actions: [] };
  }
  if (disruptions > retries.disruptions) {
    const values = { found: disruptions, limit: retries.disruptions };
    // After a disruption the Job would go on with a next pod; after a failure it ends by itself.
    const job = liveJob(observed);
    const actions: Action[] = job === undefined ? [] : [{ type: 'delete-job', name: job.name, uid: job.uid }];
    return { outcome: 'failed', why: why('DisruptionsExhausted', values), actions };
  }
  return undefined;
};

/** After a failure the next Job waits: longer after each failure, shortly after a disruption. */
export const backoff: Gate = ({ attempts, now }) => {
  const last = attempts.at(-1);
  if (last?.endTime === undefined) return undefined;
  const at = millisecondsOf(last.endTime) + delayMs(last, countOutcome(attempts, 'Failed'));
  if (!(at > now)) return undefined;
  const values = { attempt: last.number, why: endingOf(last), time: timeText(at) };
  return { outcome: 'later', at, why: why('RetryLater', values) };
};

function delayMs(last: Attempt, failures: number): number {
  if (last.outcome !== 'Failed') return FIRST_DELAY_MS;
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
}
