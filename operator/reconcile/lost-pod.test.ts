import { describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed, progressRecord } from '../../test/build/observed.ts';
import { ended, onNode, orphaned, pod, running, withCondition } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Pod } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { type Decision, decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const MINUTE = 60_000;
type Spec = Readonly<Record<string, unknown>>;

/** A round from the objects themselves. */
function round(cluster: Cluster, status: VideoGenerationStatus | undefined, spec: Spec, now = NOW): Decision {
  const film = videoGeneration(withSpec(spec), withStatus(status));
  return decide(observed({ live: true, frozen: ['job-1'], film, ...cluster }), now);
}

/** The pod that its Job has made after another one: it is known by its name alone once that is gone. */
const asSecond = (object: Pod): Pod => ({
  ...object,
  metadata: { ...object.metadata, name: 'lighthouse-3f2a9c1b-1-fghij', uid: `${object.metadata.uid}b` },
});
const deleted = ({ actions }: Decision) => actions.flatMap((one) => (one.type === 'delete-pod' ? [one.uid] : []));
const waiting = (object: Pod): Pod => object;
const cramped = withCondition({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/4 nodes' });

/** What was decided while its Job was there stands in the attempt; then somebody deletes the Job without its pod. */
const DECIDED: readonly (readonly [string, Spec, Cluster, Pod, number])[] = [
  [
    'the film was given up after the last disruption',
    { retries: { failures: 0, disruptions: 0 } },
    { jobs: [job(1)], pods: [pod(1, ended(143)), pod(1, asSecond, running)] },
    pod(1, asSecond, running, orphaned),
    0,
  ],
  [
    'the film was given up for an end that no other attempt mends',
    {},
    { jobs: [job(1)], pods: [pod(1, ended(20)), pod(1, asSecond, running)] },
    pod(1, asSecond, running, orphaned),
    0,
  ],
  [
    'its start was too late',
    { deadlines: { start: '5m' } },
    { jobs: [job(1)], pods: [pod(1, onNode())] },
    pod(1, onNode(), orphaned),
    0,
  ],
  [
    'it has found no node for its GPUs',
    { parallelism: { gpus: 8, minGpus: 2 }, deadlines: { elastic: '5m' } },
    { jobs: [job(1)], pods: [pod(1, cramped)] },
    pod(1, cramped, orphaned),
    0,
  ],
];

describe('a pod that loses its Job after it was decided that it ends', () => {
  it.each(DECIDED)('is deleted, whatever the spec says by now: %s', (_what, spec, before, lost) => {
    const first = round(before, undefined, spec);
    expect(first.verdict.outcome).toBe('ending');
    const pods = [...(before.pods ?? []).filter(({ metadata }) => metadata.uid !== lost.metadata.uid), lost];
    const generous = { retries: { failures: 9, disruptions: 9 }, parallelism: spec.parallelism ?? { gpus: 2 } };
    const next = round({ pods }, first.status, generous, NOW + 1000);
    expect(deleted(next)).toEqual([lost.metadata.uid]);
    const reason = first.status?.attempts?.at(-1)?.reason;
    expect(next.status?.attempts?.at(-1)).toMatchObject({ outcome: expect.stringMatching(/Running|Waiting/), reason });
  });
});

const begun = (spec: Spec, of: (object: Pod) => Pod) =>
  round({ jobs: [job(1)], pods: [pod(1, of)], reports: { 'pod-1': progressRecord() } }, undefined, spec).status;

describe('a pod that loses its Job while it is at work', () => {
  it.each<[string, Spec, (object: Pod) => Pod, number]>([
    ['active', { deadlines: { active: '10m' } }, running, 10],
    ['stall, since nobody hears of it any more', { deadlines: { stall: '20m' } }, running, 20],
    ['start', { deadlines: { start: '80m' } }, waiting, 22],
    ['the hour that GPUs are held without a runner', {}, onNode(), 5],
    ['elastic', { parallelism: { gpus: 8, minGpus: 2 }, deadlines: { elastic: '80m' } }, cramped, 22],
  ])('is deleted once its time is over, and not before: %s', (_what, spec, of, minutes) => {
    let status = begun(spec, of);
    const pods = [pod(1, of, orphaned, scheduledAt)];
    const seenAfter = (minute: number) => ({ pods, reports: { 'pod-1': progressRecord() }, silentMs: minute * MINUTE });
    for (let minute = 0; minute < minutes; minute += 1) {
      const seen = round(seenAfter(minute), status, spec, NOW + minute * MINUTE);
      expect([minute, seen.verdict.outcome, deleted(seen)]).toEqual([minute, 'held', []]);
      status = seen.status;
    }
    const late = round(seenAfter(minutes), status, spec, NOW + minutes * MINUTE);
    expect([late.verdict.outcome, deleted(late)]).toEqual(['ending', ['pod-1']]);
  });

  it('makes its film as long as no deadline says otherwise', () => {
    const spec = { retries: { failures: 0, disruptions: 0 } };
    let status = begun(spec, running);
    for (let days = 0; days < 5; days += 1) {
      const seen = round({ pods: [pod(1, running, orphaned)] }, status, spec, NOW + days * 86_400_000);
      expect([seen.verdict.outcome, deleted(seen)]).toEqual(['held', []]);
      status = seen.status;
    }
  });

  it('has not worked yet when it is first seen to run, as a pod that has its Job', () => {
    const spec = { deadlines: { active: '5m' } };
    const pods = [pod(1, running, orphaned, scheduledAt)];
    const before = round({ jobs: [job(1)], pods: [pod(1, onNode())] }, undefined, spec, NOW - 50 * MINUTE).status;
    const first = round({ pods }, before, spec);
    expect([first.verdict.outcome, first.status?.attempts?.at(-1)?.outcome]).toEqual(['held', 'Running']);
  });

  const leaving = (object: Pod): Pod => ({
    ...object,
    metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T01:00:30Z' },
  });
  const evicted = withCondition({ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' });
  it.each<[string, Spec, readonly Pod[], string]>([
    ['is gone', {}, [], 'Suspended'],
    ['has ended', {}, [pod(1, ended(143), orphaned, leaving)], 'Suspended'],
    ['was evicted once its film was let go', {}, [pod(1, ended(143), orphaned, evicted)], 'Disrupted'],
    ['goes on, since its film was let go before it was deleted', {}, [pod(1, running, orphaned)], 'Running'],
  ])('and is deleted since its film waits is told so when it %s', (_what, spec, pods, outcome) => {
    const told = round({ pods: [pod(1, running, orphaned)] }, begun({}, running), { suspend: true });
    expect(deleted(told)).toEqual(['pod-1']);
    const seen = round({ pods }, told.status, spec, NOW + MINUTE);
    const { outcome: is, reason } = seen.status?.attempts?.at(-1) ?? {};
    expect([is, reason === 'Suspended']).toEqual([outcome, outcome === 'Suspended']);
    expect(seen.status?.disruptions).toBe(outcome === 'Disrupted' ? 1 : 0);
  });

  it('is deleted where the end of the pod before it gives the film up, though nobody saw that while its Job was there', () => {
    const spec = { retries: { failures: 0, disruptions: 0 } };
    const status = begun(spec, running);
    const pods = [pod(1, ended(143), orphaned), pod(1, asSecond, running, orphaned)];
    const seen = round({ pods }, status, spec);
    expect(deleted(seen)).toEqual(['pod-1b']);
    const over = round(
      { pods: [pod(1, ended(143), orphaned), pod(1, asSecond, ended(143), orphaned)] },
      seen.status,
      spec,
    );
    expect(over.status).toMatchObject({ phase: 'Failed', reason: 'DisruptionsExhausted' });
  });

  it('is deleted after a failure that no other attempt mends', () => {
    const jobs = [job(1, withEnd('Failed', 'PodFailurePolicy'))];
    const status = begun({}, running);
    const pods = [pod(1, ended(20)), pod(2, running, orphaned, ofJob(2))];
    const film = { ...status, claim: { ...status?.claim, attempt: 2, jobUid: 'job-2', job: 'lighthouse-3f2a9c1b-2' } };
    const seen = round({ jobs, pods }, film as VideoGenerationStatus, {});
    expect(deleted(seen)).toEqual(['pod-2']);
    expect(seen.status?.attempts?.at(-1)).toMatchObject({ outcome: 'Running', reason: 'GivenUp' });
  });

  it('stays where anybody may have made it: no status and no Job tells of it', () => {
    const seen = round({ pods: [pod(7, running, orphaned, ofJob(7))] }, begun({}, running), {
      deadlines: { active: '1s', stall: '1s' },
    });
    expect(deleted(seen)).not.toContain('pod-7');
  });
});

/** On its node since five minutes after the film's Job was made. */
function scheduledAt(object: Pod): Pod {
  if (object.spec?.nodeName === undefined) return object;
  return withCondition({ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:05:00Z' })(object);
}

function ofJob(number: number): (object: Pod) => Pod {
  return (object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels, 'batch.kubernetes.io/controller-uid': `job-${number}` },
    },
  });
}
