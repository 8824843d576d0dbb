import { EXITS, STOPPED_EXITS } from '#contract/exit.ts';
import type { PodFailureRule } from '../api/kubernetes.ts';
import { RUNNER_CONTAINER } from '../api/labels.ts';

const onExitCodes = (values: readonly number[]) => ({
  containerName: RUNNER_CONTAINER,
  operator: 'In' as const,
  values: values.toSorted((a, b) => a - b),
});

/**
 * What the Job controller makes of a failed pod, in order: an error that another try cannot mend fails the Job at once; a
 * pod that the cluster took away, or whose runner was told to stop, is replaced within the same Job; everything else
 * fails the Job (its backoffLimit is 0), and the operator decides whether to start the next one.
 */
export function podFailureRules(): readonly PodFailureRule[] {
  const final = Object.values(EXITS).filter((exit) => !exit.retry && exit.code !== EXITS.success.code);
  return [
    { action: 'FailJob', onExitCodes: onExitCodes(final.map((exit) => exit.code)) },
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    { action: 'Ignore', onExitCodes: onExitCodes(STOPPED_EXITS) },
  ];
}
