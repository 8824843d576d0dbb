import { jobName } from '../../job/names.ts';
import type { Gate } from '../verdict.ts';

/** Nothing is in the way: the next attempt starts, after making sure that a Job which is not in the caches is gone. */
export const start: Gate = ({ observed, attempts }) => {
  const before = Math.max(0, ...attempts.map((attempt) => attempt.number), ...observed.jobs.map((job) => job.number));
  const seen = before === 0 || observed.jobs.some((job) => job.number === before);
  const after = seen ? {} : { after: jobName(observed.resource, before) };
  return { outcome: 'start', attempt: before + 1, actions: [{ type: 'create-job', attempt: before + 1, ...after }] };
};
