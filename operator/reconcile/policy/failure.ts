import { EXITS } from '#contract/exit.ts';
import type { Attempt } from '../../api/status.ts';
import type { Gate } from '../verdict.ts';

/** A failure that another try cannot mend is the end: wrong spec, no such model, full disk. */
export const failure: Gate = ({ observed: { jobs }, attempts }) => {
  const last = attempts.findLast((attempt) => attempt.outcome === 'Failed');
  if (last === undefined) return undefined;
  const byPolicy = jobs.find((job) => job.name === last.job)?.ended?.final === true;
  if (!byPolicy && !isFinal(last)) return undefined;
  const reason = last.reason ?? 'JobFailed';
  return { outcome: 'failed', why: { reason, message: last.message ?? reason }, actions: [] };
};

function isFinal({ exitCode }: Attempt): boolean {
  return Object.values(EXITS).some((exit) => exit.code === exitCode && !exit.retry);
}
