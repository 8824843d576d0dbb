import { conditionIs, type Job, type Workload } from '../api/kubernetes.ts';
import { LABEL_QUEUE } from '../api/labels.ts';
import { type Why, why } from '../api/reasons.ts';

/** Why a Job may not have a pod now: its queue, in its own words where it was heard, or a person. */
export function whyJobWaits({ metadata, spec, status }: Job, workload: Workload | undefined): Why | undefined {
  const said = (detail: string) => why('Suspended', { detail: `Job ${metadata.name} is suspended: ${detail}` });
  if (spec.parallelism === 0) return said('somebody has set its parallelism to 0');
  if (spec.suspend !== true) return undefined;
  const queue = metadata.labels?.[LABEL_QUEUE];
  if (queue !== undefined && workload !== undefined) return queueWords(workload) ?? said(`queue ${queue} looks at it`);
  if (queue !== undefined) return said(`it waits for its turn in queue ${queue}`);
  const told = status?.conditions?.find((c) => c.type === 'Suspended' && c.status === 'True');
  return said(told?.message ?? 'its queue, or a person, lets it go on');
}

/** Kueue's own words: why there is no room yet, or why the Job was taken away. */
function queueWords({ status }: Workload): Why | undefined {
  const found = ['QuotaReserved', 'Admitted'].map((type) =>
    status?.conditions?.find((c) => c.type === type && c.status === 'False'),
  );
  const told = found.find((condition) => (condition?.message ?? '') !== '');
  return told === undefined ? undefined : { reason: told.reason ?? 'Pending', message: told.message ?? '' };
}

/** When a Job that was suspended went on. */
export function resumedAt({ spec, status }: Job): string | undefined {
  const went = status?.conditions?.some((c) => c.type === 'Suspended' && c.status === 'False') ?? false;
  return went && spec.suspend !== true ? status?.startTime : undefined;
}

/** Whether a Job that was let go is still what the suspension made of it: the Job controller has not looked at it, or it has ended before. */
export function isResuming({ spec, status }: Job): boolean {
  return spec.suspend !== true && conditionIs(status?.conditions, 'Suspended', 'True');
}

/**
 * Since when a Job may have a pod; undefined where that is not known yet: one that its queue has let go has no start, or an earlier one,
 * until the Job controller has looked at it.
 */
export function begunAt({ metadata, status }: Job): string | undefined {
  if (status?.conditions?.some((c) => c.type === 'Suspended' && c.status === 'True') === true) return undefined;
  return status?.startTime ?? (metadata.labels?.[LABEL_QUEUE] === undefined ? metadata.creationTimestamp : undefined);
}
