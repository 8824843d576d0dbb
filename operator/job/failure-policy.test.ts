import { expect, test } from 'vitest';
import { EXITS } from '#contract/exit.ts';
import { ended, pod } from '../../test/build/pod.ts';
import type { Pod } from '../api/kubernetes.ts';
import { podState } from '../reconcile/pod-facts.ts';
import { podFailureRules } from './failure-policy.ts';

/** What the Job's own policy does with a pod whose runner ended so. */
const actionOn = (exitCode: number) =>
  podFailureRules().find(({ onExitCodes }) => onExitCodes?.values.includes(exitCode))?.action ?? 'Count';

test.each([
  ['told to stop, and stopped cleanly', EXITS.resume.code, 'Ignore', 'disrupted'],
  ['told to stop before it listened', EXITS.ended.code, 'Ignore', 'disrupted'],
  ['that failed for good', EXITS.model.code, 'FailJob', 'failed'],
  ['whose model is not there yet', EXITS.absent.code, 'Count', 'failed'],
  ['that was killed', 137, 'Count', 'failed'],
])('a runner %s (exit %i): the Job says %s, the film counts it as %s', (_what, exitCode, action, state) => {
  const object: Pod = pod(1, ended(exitCode));
  expect([actionOn(exitCode), podState(object)]).toEqual([action, state]);
});
