import type { Gate } from '../verdict.ts';

/** A pod that ended well, or a complete Job whose pod is gone, ends the work. */
export const success: Gate = ({ observed: { jobs } }) => {
  for (const job of jobs) {
    const pod = job.pods.find((candidate) => candidate.state === 'succeeded');
    if (pod === undefined && job.ended?.complete !== true) continue;
    const endTime = pod?.endTime ?? job.ended?.time;
    return { outcome: 'complete', job: job.name, result: pod?.result, ...(endTime === undefined ? {} : { endTime }) };
  }
  return undefined;
};
