import { describe, expect, it } from 'vitest';
import type { Attempt } from '../api/status.ts';
import { countersOf, updatedAttempts } from './attempts.ts';
import type { JobView, PodView } from './observed.ts';

const jobView = (number: number, fields: Partial<JobView> = {}): JobView => ({
  name: `film-${number}`,
  uid: `job-${number}`,
  number,
  generation: 1,
  map: `film-${number}-0a1b2c3d`,
  frozen: 'written',
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
const FACTS = { live: true, now: Date.parse('2026-01-01T00:30:00Z') };
const NOW = '2026-01-01T00:30:00Z';
const why = { reason: 'R', message: 'm' };
const lost = { reason: 'PodLost', message: 'pod p is gone' };
const final = { complete: false, final: true, message: 'exit code 20', time: '2026-01-01T00:00:09Z' };

describe('updatedAttempts', () => {
  it('keeps the pod at work last, also where one before it is seen only after it, and then gone', () => {
    const at = (second: number) => ({ created: `2026-01-01T00:00:0${second}Z` });
    const first = podView('p', at(1));
    const second = podView('q', { state: 'running', ...at(2) });
    const uids = (all: readonly Attempt[]) => all.map(({ podUid }) => podUid);
    let attempts: readonly Attempt[] = [];
    const rounds = [[second], [first, second], [second]].map((pods) => {
      attempts = updatedAttempts({ attempts: [...attempts] }, [jobView(1, { pods })], FACTS);
      return uids(attempts);
    });
    expect(rounds).toEqual([['q'], ['p', 'q'], ['p', 'q']]);
  });

  it.each<[string, readonly Attempt[], readonly JobView[], readonly Attempt[]]>([
    ['nothing', [], [], []],
    ['a Job without a pod is none yet', [], [jobView(1)], []],
    [
      'a pod is one, with what is known of it',
      [],
      [jobView(1, { pods: [podView('p', { state: 'running', node: 'n', startTime: '2026-01-01T00:00:05Z' })] })],
      [attempt(1, 'p', { node: 'n', startTime: '2026-01-01T00:00:05Z' })],
    ],
    [
      'several pods of one Job follow each other',
      [],
      [
        jobView(1, {
          pods: [podView('p', { state: 'disrupted', failure: why, exitCode: 10 }), podView('q', { state: 'running' })],
        }),
      ],
      [
        attempt(1, 'p', { outcome: 'Disrupted', exitCode: 10, endTime: NOW, recordedTime: NOW, ...why }),
        attempt(1, 'q'),
      ],
    ],
    [
      'the pod at work is the last, also where the Job had made another one beside it, which is gone',
      [attempt(1, 'p', { outcome: 'Running' }), attempt(1, 'q', { outcome: 'Waiting' })],
      [jobView(1, { pods: [podView('p', { state: 'running' }), podView('q', { state: 'disrupted', failure: why })] })],
      [
        attempt(1, 'q', { outcome: 'Disrupted', endTime: NOW, recordedTime: NOW, ...why }),
        attempt(1, 'p', { outcome: 'Running' }),
      ],
    ],
    [
      'pods of one Job keep their order when the newer one is gone first',
      [attempt(1, 'p', { outcome: 'Disrupted', ...why }), attempt(1, 'q', { outcome: 'Failed', ...why })],
      [jobView(1, { pods: [podView('p', { state: 'disrupted' })] })],
      [attempt(1, 'p', { outcome: 'Disrupted', ...why }), attempt(1, 'q', { outcome: 'Failed', ...why })],
    ],
    [
      'a pod that is gone while its Job goes on was taken away',
      [attempt(1, 'p')],
      [jobView(1, { pods: [podView('q')] })],
      [
        attempt(1, 'p', { outcome: 'Disrupted', endTime: NOW, recordedTime: NOW, ...lost }),
        attempt(1, 'q', { outcome: 'Waiting' }),
      ],
    ],
    [
      'a pod that is gone with its Job was taken away',
      [attempt(1, 'p')],
      [],
      [attempt(1, 'p', { outcome: 'Disrupted', endTime: NOW, recordedTime: NOW, ...lost })],
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
          recordedTime: NOW,
        }),
        attempt(2, 'q', {
          outcome: 'Succeeded',
          recordedTime: NOW,
          reason: 'ResultLost',
          message:
            'it ended well, but no result of it could be read; the next attempt looks for the finished film first',
        }),
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
          recordedTime: NOW,
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
      'what was written down of a pod stays, also if it is seen again',
      [attempt(1, 'p', { outcome: 'Disrupted', endTime: NOW, ...lost })],
      [jobView(1, { pods: [podView('p', { state: 'running' })] })],
      [attempt(1, 'p', { outcome: 'Disrupted', endTime: NOW, ...lost })],
    ],
  ])('%s', (_what, known, jobs, expected) => {
    const updated = updatedAttempts({ attempts: [...known] }, jobs, FACTS);
    expect(updated).toEqual(expected);
    expect(updatedAttempts({ attempts: [...updated] }, jobs, FACTS)).toEqual(expected);
  });
});

describe('the counters', () => {
  const failed = (number: number) => attempt(number, `p${number}`, { outcome: 'Failed', ...why });
  const claimed = (number: number) => ({ attempt: number, job: `film-${number}`, generation: 1, specHash: 'h' });
  it.each<[string, Parameters<typeof countersOf>[0], Parameters<typeof countersOf>[1], number]>([
    ['count what has ended', [failed(1), failed(2)], undefined, 2],
    ['count nothing twice', [failed(1)], { failures: 1, disruptions: 0, attempts: [failed(1)], claim: claimed(1) }, 1],
    ['do not fall when an attempt is gone', [], { failures: 3, disruptions: 0, claim: claimed(3) }, 3],
    [
      'count a new end on top, where the list of attempts was taken away',
      [failed(4)],
      { failures: 3, disruptions: 0, claim: claimed(4) },
      4,
    ],
    [
      'do not count again the pods of earlier Jobs that are still there',
      [failed(2), failed(3), attempt(4, 'p4')],
      { failures: 3, disruptions: 0, claim: claimed(4) },
      3,
    ],
  ])('%s', (_what, attempts, before, failures) => {
    expect(countersOf(attempts, before)).toEqual({ failures, disruptions: 0 });
  });
});
