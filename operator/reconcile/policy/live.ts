import { liveJob } from '../observed.ts';
import type { Gate } from '../verdict.ts';

/** A Job that has not ended is left alone, but for its frozen spec, should an earlier try not have come so far. */
export const live: Gate = ({ observed }) => {
  const job = liveJob(observed);
  if (job === undefined) return undefined;
  const started = job.pods.some((pod) => pod.state !== 'waiting');
  const missing = !job.frozen && !started && observed.spec !== undefined;
  return { outcome: 'live', job, actions: missing ? [{ type: 'freeze', attempt: job.number, jobUid: job.uid }] : [] };
};
