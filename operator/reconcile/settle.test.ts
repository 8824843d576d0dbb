import { describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { ended, onNode, pod, running, succeededResult, withContainer } from '../../test/build/pod.ts';
import { videoGeneration, withStatus } from '../../test/build/video-generation.ts';
import type { Pod } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { type ActionOutcome, settle } from './settle.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const decided = (cluster: Cluster, status?: VideoGenerationStatus) =>
  decide(observed({ ...cluster, film: videoGeneration(withStatus(status)) }), NOW);
const create = { type: 'create-job', attempt: 1 } as const;
const came = (result: ActionOutcome['result'], detail?: string): readonly ActionOutcome[] => [
  { action: create, result, ...(detail === undefined ? {} : { detail }) },
];
/** Events of a walk through clusters, each as `type reason: note`. */
function eventsOf(...clusters: readonly Cluster[]): readonly string[] {
  let status: VideoGenerationStatus | undefined;
  return clusters.flatMap((cluster) => {
    const settled = settle(decided(cluster, status), []);
    status = settled.status;
    return settled.events.map(({ type, reason, note }) => `${type} ${reason}: ${note}`);
  });
}

describe('settle', () => {
  it('writes what was decided, and tells that a Job was started', () => {
    const decision = decided({});
    expect(settle(decision, came('done'))).toEqual({
      status: decision.status,
      events: [
        {
          ...{ type: 'Normal', reason: 'JobStarted', action: 'Reconcile', attempt: 1 },
          note: 'started Job lighthouse-3f2a9c1b-1',
        },
      ],
      again: false,
    });
  });

  it('tells nothing of a Job that an earlier try has made', () => {
    expect(settle(decided({}), came('already')).events).toEqual([]);
  });

  it('writes nothing when a call failed for the moment, and comes back', () => {
    expect(settle(decided({}), came('retry', 'timeout'))).toEqual({ status: undefined, events: [], again: true });
  });

  it('says what was refused, does not count as started, and tries again slowly', () => {
    const { status, events, again, requeueAfterMs } = settle(decided({}), came('refused', 'exceeded quota'));
    const message = 'the API server refused Job lighthouse-3f2a9c1b-1: exceeded quota';
    expect({
      phase: status?.phase,
      reason: status?.reason,
      message: status?.message,
      startTime: status?.startTime,
    }).toEqual({
      phase: 'Queued',
      reason: 'JobRefused',
      message,
      startTime: undefined,
    });
    expect(status?.conditions.find(({ type }) => type === 'Stalled')?.status).toBe('False');
    expect(events).toEqual([{ type: 'Warning', reason: 'JobRefused', action: 'Reconcile', note: message }]);
    expect({ again, requeueAfterMs }).toEqual({ again: false, requeueAfterMs: 30_000 });
  });

  it('keeps the number of a later Job claimed that was refused', () => {
    const later = decided({ live: true, jobs: [job(1, withEnd('Failed'))], pods: [pod(1, ended(1))] });
    expect(later.actions).toEqual([{ type: 'create-job', attempt: 2 }]);
    const { status } = settle(later, [{ action: { type: 'create-job', attempt: 2 }, result: 'refused' }]);
    expect(status?.claim).toEqual(later.status?.claim);
    expect(status?.claim?.attempt).toBe(2);
  });

  it('knows a first Job that was made and whose frozen spec was refused', () => {
    const first = decided({});
    const { status } = settle(first, [{ action: create, result: 'refused', jobUid: 'job-1' }]);
    expect([status?.claim, status?.startTime]).toEqual([
      { ...first.status?.claim, jobUid: 'job-1' },
      '2026-01-01T00:30:00Z',
    ]);
  });

  const two = (first: readonly Pod[]) =>
    decided({ live: true, jobs: [job(1, withEnd('Complete')), job(2)], pods: [...first, pod(2, running)] });
  const removal = { type: 'delete-job', name: 'lighthouse-3f2a9c1b-2', uid: 'job-2' } as const;

  it.each(['refused', 'retry', 'stale'] as const)(
    'writes the result of a film down although a Job that must go could not be deleted: %s',
    (result) => {
      const done = two([pod(1, ended(0, succeededResult))]);
      expect(done.actions).toMatchObject([{ type: 'delete-job', name: removal.name }]);
      const { status } = settle(done, [{ action: removal, result }]);
      expect(status).toEqual(done.status);
      expect(status?.output?.frames).toBeGreaterThan(0);
    },
  );

  it('leaves a film that is over as it is when a deletion is refused, and tries again slowly', () => {
    const done = two([pod(1, ended(0, succeededResult))]);
    const still = { jobs: [job(1, withEnd('Complete')), job(2)], pods: [pod(2, running)] };
    const after = decided(still, done.status);
    expect(after.verdict.outcome).toBe('settled');
    const { status, again, requeueAfterMs } = settle(after, [{ action: removal, result: 'refused', final: true }]);
    expect({ status, again, requeueAfterMs }).toEqual({ status: after.status, again: false, requeueAfterMs: 30_000 });
  });

  it('does nothing at all in a namespace that is going away', () => {
    expect(settle(decided({}), came('moot', 'is being terminated'))).toEqual({
      status: undefined,
      events: [],
      again: false,
    });
  });

  it('comes back when the next attempt is due', () => {
    const failed = {
      jobs: [job(1, withEnd('Failed'))],
      pods: [pod(1, ended(1, undefined, { finishedAt: '2026-01-01T00:29:55Z' }))],
    };
    expect(settle(decided(failed), []).requeueAfterMs).toBe(5000);
  });
});

describe('the events', () => {
  const frozen = ['job-1', 'job-2'];
  const waiting = pod(1, onNode(), withContainer({ waiting: { reason: 'ErrImagePull', message: 'not found' } }));
  const first = { jobs: [job(1)], frozen };

  it('tell the life of a film, each thing once', () => {
    const atWork = { ...first, pods: [pod(1, running)] };
    const ready = { ...first, pods: [pod(1, ended(0, succeededResult))] };
    expect(
      eventsOf({}, first, { ...first, pods: [waiting] }, { ...first, pods: [waiting] }, atWork, atWork, ready, ready),
    ).toEqual([
      'Normal PodScheduled: pod lighthouse-3f2a9c1b-1-abcde runs on node gpu-1',
      'Warning ErrImagePull: not found',
      'Normal RunnerStarted: the runner has started',
      'Normal FilmReady: the film is ready: pvc://films/films/lighthouse/3f2a9c1b-1/video.mp4',
    ]);
  });

  it('tell of an attempt that failed, of the wait, and of the next one', () => {
    const crash = pod(1, ended(139, undefined, { signal: 11, finishedAt: '2026-01-01T00:29:55Z' }));
    const over = { jobs: [job(1, withEnd('Failed'))], pods: [crash], frozen };
    const next = { ...over, jobs: [job(1, withEnd('Failed')), job(2)], pods: [crash, pod(2, running)] };
    expect(eventsOf({ ...first, pods: [pod(1, running)] }, { ...first, pods: [crash] }, over, next).slice(2)).toEqual([
      'Warning AttemptFailed: attempt 1: Killed: the runner was killed by signal 11',
      'Warning RetryLater: attempt 1 ended (Killed: the runner was killed by signal 11); the next one starts at 2026-01-01T00:30:05Z',
      'Normal PodScheduled: pod lighthouse-3f2a9c1b-2-abcde runs on node gpu-1',
      'Normal RunnerStarted: the runner has started',
    ]);
  });
});
