import { describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed, progressRecord } from '../../test/build/observed.ts';
import { ended, onNode, pod, running, succeededResult, withCondition, withContainer } from '../../test/build/pod.ts';
import { videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { type Decision, decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const decideAt = (cluster: Cluster, now = NOW) => decide(observed(cluster), now);
/** The status after one round after another. */
const statusAfter = (...rounds: readonly Cluster[]): VideoGenerationStatus | undefined =>
  rounds.reduce<VideoGenerationStatus | undefined>(
    (status, cluster) => decideAt({ ...cluster, film: videoGeneration(withStatus(status)) }).status,
    undefined,
  );
const unscheduled = withCondition({
  type: 'PodScheduled',
  status: 'False',
  reason: 'Unschedulable',
  message: '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.',
});
const condition = (
  type: string,
  status: string,
  reason: string,
  message: string,
  lastTransitionTime = '2026-01-01T00:30:00Z',
) => ({
  type,
  status,
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime,
});
const frozen = ['job-1', 'job-2'];

describe('the status', () => {
  it('of a resource that nobody has looked at yet: its first Job starts', () => {
    const waits = ['WaitingForPod', 'Job lighthouse-3f2a9c1b-1 has not made its pod yet'] as const;
    const { actions, status } = decideAt({});
    expect(actions).toEqual([{ type: 'create-job', attempt: 1 }]);
    expect(status).toEqual({
      observedGeneration: 1,
      phase: 'Queued',
      reason: waits[0],
      message: waits[1],
      conditions: [
        condition('Ready', 'False', ...waits),
        condition('Reconciling', 'True', ...waits),
        condition('Stalled', 'False', ...waits),
        condition('Scheduled', 'False', ...waits),
        condition('Progressing', 'False', ...waits),
      ],
      startTime: '2026-01-01T00:30:00Z',
      failures: 0,
      disruptions: 0,
      claim: {
        attempt: 1,
        job: 'lighthouse-3f2a9c1b-1',
        generation: 1,
        specHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
  });

  it('while the film is being made shows progress, plan and time to go', () => {
    const plan = {
      latents: 21,
      blocks: 3,
      stride: 1,
      iterations: 60,
      blockSteps: 100,
      stages: [{ device: 'gpu-0', firstLayer: 0, endLayer: 5, weightBytes: 1, memoryBytes: 2 }],
    };
    const reports = { 'pod-1': progressRecord({ plan }) };
    const place = ['PodScheduled', 'pod lighthouse-3f2a9c1b-1-abcde runs on node gpu-1'] as const;
    const works = ['Denoising', 'the runner is denoising'] as const;
    expect(decideAt({ jobs: [job(1)], pods: [pod(1, running)], reports, frozen }).status).toEqual({
      observedGeneration: 1,
      phase: 'Running',
      conditions: [
        condition('Ready', 'False', ...works),
        condition('Reconciling', 'True', ...works),
        condition('Stalled', 'False', ...works),
        condition('Scheduled', 'True', ...place),
        condition('Progressing', 'True', ...works),
      ],
      startTime: '2026-01-01T00:01:00Z',
      plan,
      progress: {
        phase: 'Denoising',
        percent: 37,
        iteration: 20,
        iterations: 60,
        blockSteps: 38,
        blockStepsTotal: 100,
        blocksFinished: 0,
        blocks: 3,
        framesReady: 0,
        framesTotal: 81,
        blockStepsPerSecond: 0.5,
        etaSeconds: 124,
        eta: '2m04s',
        lastReportTime: '2026-01-01T00:10:00Z',
        lastAdvanceTime: '2026-01-01T00:30:00Z',
      },
      failures: 0,
      disruptions: 0,
      claim: { attempt: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, specHash: '', jobUid: 'job-1', frozen: true },
      attempts: [
        {
          number: 1,
          job: 'lighthouse-3f2a9c1b-1',
          generation: 1,
          pod: 'lighthouse-3f2a9c1b-1-abcde',
          podUid: 'pod-1',
          node: 'gpu-1',
          gpus: 8,
          createdTime: '2026-01-01T00:01:01Z',
          startTime: '2026-01-01T00:05:00Z',
          outcome: 'Running',
        },
      ],
    });
  });

  it('of a finished film says where it is, also if nobody looked while it was made', () => {
    const { status, actions } = decideAt({ jobs: [job(1)], pods: [pod(1, ended(0, succeededResult))], frozen });
    const ready = ['FilmReady', 'the film is ready: pvc://films/films/lighthouse/3f2a9c1b-1/video.mp4'] as const;
    const over = ['Finished', 'nothing is left to do'] as const;
    const done = expect.objectContaining({ phase: 'Done', percent: 100, blocksFinished: 11, framesReady: 81 });
    expect(actions).toEqual([]);
    expect(status).toEqual({
      observedGeneration: 1,
      phase: 'Succeeded',
      conditions: [
        condition('Ready', 'True', ...ready),
        condition('Reconciling', 'False', ...over),
        condition('Stalled', 'False', ...ready),
        condition('Progressing', 'False', ...over),
        condition('Complete', 'True', ...ready),
      ],
      startTime: '2026-01-01T00:01:00Z',
      completionTime: '2026-01-01T00:15:00Z',
      progress: done,
      failures: 0,
      disruptions: 0,
      activeSeconds: 600,
      usage: { gpuSeconds: 4800, lostGpuSeconds: 0 },
      claim: { attempt: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, specHash: '', jobUid: 'job-1', frozen: true },
      attempts: [
        {
          number: 1,
          job: 'lighthouse-3f2a9c1b-1',
          generation: 1,
          pod: 'lighthouse-3f2a9c1b-1-abcde',
          podUid: 'pod-1',
          node: 'gpu-1',
          ...{ gpus: 8, gpuSeconds: 4800 },
          startTime: '2026-01-01T00:05:00Z',
          endTime: '2026-01-01T00:15:00Z',
          recordedTime: '2026-01-01T00:30:00Z',
          outcome: 'Succeeded',
          exitCode: 0,
        },
      ],
      output: {
        location: 'pvc://films/films/lighthouse/3f2a9c1b-1/video.mp4',
        frames: 81,
        seconds: 5.0625,
        bytes: 1234,
        sha256: 'a'.repeat(64),
        width: 832,
        height: 480,
        fps: 16,
        codec: 'h264',
        precision: { sampling: 'bfloat16', decoding: 'float32' },
      },
    });
  });

  it('does not change when nothing changes', () => {
    const clusters: readonly Cluster[] = [
      { jobs: [job(1)], frozen },
      { jobs: [job(1)], pods: [pod(1, unscheduled)], frozen },
      { jobs: [job(1)], pods: [pod(1, running)], reports: { 'pod-1': progressRecord() }, frozen },
      { jobs: [job(1)], pods: [pod(1, ended(0, succeededResult))], frozen },
      { jobs: [job(1, withEnd('Failed'))], pods: [pod(1, ended(40))], frozen },
    ];
    for (const cluster of clusters) {
      const once = statusAfter(cluster);
      const film = videoGeneration(withStatus(once));
      expect(decide(observed({ ...cluster, film }), NOW + 60_000).status).toEqual(once);
    }
  });

  it('of a film that was given up keeps what was done, and has no time to go', () => {
    const first: Cluster = { jobs: [job(1)], pods: [pod(1, running)], reports: { 'pod-1': progressRecord() }, frozen };
    const status = statusAfter(first, { jobs: [job(1)], pods: [pod(1, ended(20))], frozen });
    expect(status).toMatchObject({ phase: 'Failed', progress: { percent: 37 } });
    expect(Object.keys(status?.progress ?? {}).filter((key) => key.startsWith('eta'))).toEqual([]);
  });

  it('keeps the last progress of a pod at work after the operator was started anew, and forgets it for the next pod', () => {
    const first: Cluster = { jobs: [job(1)], pods: [pod(1, running)], reports: { 'pod-1': progressRecord() }, frozen };
    expect(statusAfter(first, { ...first, reports: {} })?.progress?.percent).toBe(37);
    const next = { jobs: [job(1, withEnd('Failed')), job(2)], pods: [pod(1, ended(1)), pod(2, onNode())], frozen };
    const status = statusAfter(first, next);
    expect(status?.progress).toBeUndefined();
  });
});

const outlineOf = ({ verdict, read, actions }: Decision) => ({ outcome: verdict.outcome, read, actions });
/** What a decision comes to, in short. */
const outline = (cluster: Cluster, now = NOW) => {
  const { status, actions, requeueAfterMs } = decideAt(cluster, now);
  return {
    phase: status?.phase,
    reason: status?.reason,
    actions,
    ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }),
  };
};
const failed = (code: number, at = '2026-01-01T00:29:55Z') => ended(code, undefined, { finishedAt: at });
const jobs = (count: number) => Array.from({ length: count }, (_, index) => job(index + 1, withEnd('Failed')));
const pods = (count: number, code: number) => Array.from({ length: count }, (_, index) => pod(index + 1, failed(code)));

describe('the decision', () => {
  it.each<[string, Cluster, ReturnType<typeof outline>]>([
    [
      'leaves alone a resource that is being deleted',
      { film: videoGeneration(withMetadata({ deletionTimestamp: '2026-01-01T00:00:00Z' })), jobs: [job(1)] },
      { phase: undefined, reason: undefined, actions: [] },
    ],
    [
      'waits for a spec that it can carry out',
      { film: { ...videoGeneration(), spec: { prompt: 'x' } } },
      { phase: 'Queued', reason: 'InvalidSpec', actions: [] },
    ],
    [
      'mounts no folder of the node where that is not allowed',
      { film: videoGeneration(withSpec({ model: { ref: 'm', source: { hostPath: { path: '/m' } } } })) },
      { phase: 'Queued', reason: 'HostPathNotAllowed', actions: [] },
    ],
    [
      'writes a frozen spec that an earlier try did not come to',
      { jobs: [job(1)], pods: [pod(1, unscheduled)], missing: ['job-1'] },
      {
        phase: 'Queued',
        reason: 'Unschedulable',
        actions: [{ type: 'freeze', attempt: 1, jobUid: 'job-1', map: 'lighthouse-3f2a9c1b-1' }],
      },
    ],
    [
      'writes none for a pod that has begun',
      { jobs: [job(1)], pods: [pod(1, running)] },
      { phase: 'Running', reason: undefined, actions: [], requeueAfterMs: 120_000 },
    ],
    [
      'says why a Job cannot make its pod',
      {
        jobs: [job(1)],
        frozen,
        events: [
          {
            metadata: { name: 'e', namespace: 'films', resourceVersion: '5' },
            involvedObject: { uid: 'job-1', name: 'lighthouse-3f2a9c1b-1' },
            reason: 'FailedCreate',
            message: 'exceeded quota: gpus',
          },
        ],
      },
      { phase: 'Queued', reason: 'PodRefused', actions: [] },
    ],
    [
      'says why a pod on its node does not start',
      { jobs: [job(1)], pods: [pod(1, onNode(), withContainer({ waiting: { reason: 'ErrImagePull' } }))], frozen },
      { phase: 'Starting', reason: 'ErrImagePull', actions: [], requeueAfterMs: 600_000 },
    ],
    [
      'waits for a Job whose pod has failed to end, so that no two pods are at work',
      { jobs: [job(1)], pods: [pod(1, failed(1))], frozen },
      { phase: 'Starting', reason: 'RunnerFailed', actions: [] },
    ],
    [
      'waits a while after a failure',
      { jobs: jobs(1), pods: pods(1, 1) },
      { phase: 'Queued', reason: 'RetryLater', actions: [], requeueAfterMs: 5_000 },
    ],
    [
      'waits longer after the next one',
      { jobs: jobs(2), pods: pods(2, 1) },
      { phase: 'Queued', reason: 'RetryLater', actions: [], requeueAfterMs: 15_000 },
    ],
    [
      'then starts the next Job',
      { jobs: jobs(1), pods: [pod(1, failed(60, '2026-01-01T00:29:00Z'))] },
      { phase: 'Queued', reason: 'WaitingForPod', actions: [{ type: 'create-job', attempt: 2 }] },
    ],
    [
      'takes no pod of an earlier Job for that of the one at work',
      { jobs: [...jobs(1), job(2)], pods: pods(1, 1), frozen },
      { phase: 'Queued', reason: 'WaitingForPod', actions: [] },
    ],
    [
      'gives up after too many failures',
      { jobs: jobs(4), pods: pods(4, 1) },
      { phase: 'Failed', reason: 'FailuresExhausted', actions: [] },
    ],
    [
      'gives up at once when another try cannot help',
      { jobs: [job(1)], pods: [pod(1, failed(20))], frozen },
      { phase: 'Failed', reason: 'RunnerFailed', actions: [] },
    ],
    [
      'gives up at once when the Job controller says so and the pod is gone',
      {
        live: true,
        jobs: [job(1, withEnd('Failed', 'PodFailurePolicy', 'Container runner failed with exit code 40'))],
      },
      { phase: 'Failed', reason: 'JobFailed', actions: [] },
    ],
    [
      'counts disruptions apart from failures',
      { jobs: jobs(6), pods: pods(6, 10) },
      { phase: 'Queued', reason: 'RetryLater', actions: [], requeueAfterMs: 5_000 },
    ],
    [
      'ends a Job that is disrupted for ever',
      {
        film: videoGeneration(withSpec({ retries: { failures: 0, disruptions: 1 } })),
        jobs: [job(1)],
        pods: [
          pod(1, failed(10)),
          { ...pod(1, failed(10)), metadata: { ...pod(1).metadata, name: 'second', uid: 'pod-1b' } },
        ],
        frozen,
      },
      {
        phase: 'Queued',
        reason: 'DisruptionsExhausted',
        actions: [{ type: 'delete-job', name: 'lighthouse-3f2a9c1b-1', uid: 'job-1', version: '101' }],
      },
    ],
  ])('%s', (_what, cluster, expected) => {
    expect(outline(cluster)).toEqual(expected);
  });

  it('starts again after its Job was deleted, once it is sure that it is gone', () => {
    const before: Cluster = { jobs: [job(1)], pods: [pod(1, running)], frozen };
    const film = videoGeneration(withStatus(statusAfter(before)));
    expect(outlineOf(decide(observed({ film }), NOW))).toEqual({ outcome: 'unsure', read: true, actions: [] });
    const gone = decide(observed({ film, live: true }), NOW);
    expect(outlineOf(gone)).toEqual({ outcome: 'later', read: false, actions: [] });
    const recorded = videoGeneration(withStatus(gone.status));
    expect(outlineOf(decide(observed({ film: recorded }), NOW + 10_000))).toEqual({
      outcome: 'start',
      read: true,
      actions: [{ type: 'create-job', attempt: 2 }],
    });
  });

  it.each<[string, Cluster]>([
    ['ready', { jobs: [job(1)], pods: [pod(1, ended(0, succeededResult))] }],
    ['given up', { jobs: [job(1)], pods: [pod(1, failed(20))] }],
  ])('does nothing more for a film that is %s, whatever becomes of its Job', (_what, cluster) => {
    const status = statusAfter(cluster);
    const film = videoGeneration(withStatus(status), withMetadata({ generation: 2 }));
    const decision = decide(observed({ film }), NOW + 1000);
    expect({ actions: decision.actions, status: decision.status }).toEqual({
      actions: [],
      status: {
        ...status,
        observedGeneration: 2,
        conditions: status?.conditions.map((found) => ({ ...found, observedGeneration: 2 })),
      },
    });
  });

  it('never has two Jobs at work, in whatever order things are seen', () => {
    const world = { jobs: [job(1)], pods: [pod(1, running)] };
    const views: readonly Cluster[] = [world, { jobs: world.jobs }, { pods: world.pods }, {}];
    for (const first of views) {
      for (const second of views) {
        const film = videoGeneration(withStatus(statusAfter(first)));
        const { actions, read } = decide(observed({ ...second, film }), NOW);
        const rash = actions.some(({ type }) => type === 'create-job') && !read;
        expect(rash).toBe(false);
      }
    }
  });
});
