import { LABEL_QUEUE } from '../../operator/api/labels.ts';
import { keyOf, type Stored } from './stand-in-api-server.ts';
import { hasEnded, type World } from './stand-in-controllers.ts';

/**
 * A stand-in for Kueue: lets a Job of its queue go when there is room, and takes its GPUs back now and then. Gives what is to be called
 * when a Job has changed.
 */
export function createStandInQueue({ server, time, dice, isCalm }: World): (jobKey: string) => void {
  const pending = new Set<string>();
  const set = (job: Stored, suspend: boolean) =>
    server.change('jobs', keyOf(job), (old) => ({ ...old, spec: { ...old.spec, suspend } }), 'queue');
  const look = (key: string) => {
    pending.delete(key);
    const job = server.get('jobs', key);
    if (job === undefined || !isQueued(job)) return;
    if (job.spec.suspend === true) set(job, false);
    else if (!isCalm()) set(job, true);
  };
  return (key) => {
    const job = server.get('jobs', key);
    if (pending.has(key) || job === undefined || !isQueued(job)) return;
    const waits = job.spec.suspend === true;
    if (!waits && (isCalm() || dice.share() > 0.1)) return;
    pending.add(key);
    const longest = isCalm() ? 2_000 : 40_000;
    time.after(dice.between(100, longest), () => look(key));
  };
}

function isQueued(job: Stored): boolean {
  const { labels, deletionTimestamp } = job.metadata;
  return labels?.[LABEL_QUEUE] !== undefined && deletionTimestamp === undefined && !hasEnded(job);
}
