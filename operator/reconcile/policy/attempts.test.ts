import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../api/status.ts';
import type { JobView, PodView } from '../observed.ts';
import { updatedAttempts } from './attempts.ts';

const jobView = (number: number, fields: Partial<JobView> = {}): JobView => ({
  name: `film-${number}`,
  uid: `job-${number}`,
  number,
  generation: 1,
  frozen: true,
  pods: [],
  ...fields,
});
const podView = (uid: string, fields: Partial<PodView> = {}): PodView => ({
  uid,
  name: uid,
  state: 'waiting',
  scheduled: false,
  ...fields,
});
const attempt = (number: number, podUid: string, fields: Partial<Attempt> = {}): Attempt => ({
  number,
  job: `film-${number}`,
  generation: 1,
  pod: podUid,
  podUid,
  outcome: 'Running',
  ...fields,
});
const why = { reason: 'R', message: 'm' };
const final = { complete: false, final: true, message: 'exit code 20', time: '2026-01-01T00:00:09Z' };

describe('updatedAttempts', () => {
  it.each<[string, readonly Attempt[], readonly JobView[], readonly Attempt[]]>([
    ['nothing', [], [], []],
    ['a Job without a pod is none yet', [], [jobView(1)], []],
    [
      'a pod is one, with what is known of it',
      [],
      [jobView(1, { pods: [podView('p', { state: 'running', node: 'n', startTime: 't' })] })],
      [attempt(1, 'p', { node: 'n', startTime: 't' })],
    ],
    [
      'several pods of one Job follow each other',
      [],
      [
        jobView(1, {
          pods: [podView('p', { state: 'disrupted', failure: why, exitCode: 10 }), podView('q', { state: 'running' })],
        }),
      ],
      [attempt(1, 'p', { outcome: 'Disrupted', exitCode: 10, ...why }), attempt(1, 'q')],
    ],
    [
      'a pod that is gone while its Job goes on was taken away',
      [attempt(1, 'p')],
      [jobView(1, { pods: [podView('q')] })],
      [
        attempt(1, 'p', { outcome: 'Disrupted', reason: 'PodLost', message: 'pod p is gone' }),
        attempt(1, 'q', { outcome: 'Waiting' }),
      ],
    ],
    [
      'a pod that is gone with its Job was taken away',
      [attempt(1, 'p')],
      [],
      [attempt(1, 'p', { outcome: 'Disrupted', reason: 'PodLost', message: 'pod p is gone' })],
    ],
    [
      'a pod that is gone ended as its Job did',
      [attempt(1, 'p'), attempt(2, 'q')],
      [jobView(1, { ended: final }), jobView(2, { ended: { complete: true, final: false, message: '' } })],
      [
        attempt(1, 'p', {
          outcome: 'Failed',
          reason: 'JobFailed',
          message: 'exit code 20',
          endTime: '2026-01-01T00:00:09Z',
        }),
        attempt(2, 'q', { outcome: 'Succeeded' }),
      ],
    ],
    [
      'a Job that failed without a pod is one, too',
      [],
      [jobView(1, { ended: final })],
      [
        {
          number: 1,
          job: 'film-1',
          generation: 1,
          outcome: 'Failed',
          reason: 'JobFailed',
          message: 'exit code 20',
          endTime: '2026-01-01T00:00:09Z',
        },
      ],
    ],
    [
      'what has ended stays as it was',
      [attempt(1, 'p', { outcome: 'Failed', exitCode: 1, ...why })],
      [jobView(2, { pods: [podView('q')] })],
      [attempt(1, 'p', { outcome: 'Failed', exitCode: 1, ...why }), attempt(2, 'q', { outcome: 'Waiting' })],
    ],
    [
      'a pod that was thought lost and is there again counts as it is',
      [attempt(1, 'p', { outcome: 'Disrupted', reason: 'PodLost', message: 'pod p is gone' })],
      [jobView(1, { pods: [podView('p', { state: 'running' })] })],
      [attempt(1, 'p')],
    ],
  ])('%s', (_what, known, jobs, expected) => {
    const updated = updatedAttempts(known, jobs);
    expect(updated).toEqual(expected);
    expect(updatedAttempts(updated, jobs)).toEqual(expected);
  });
});
