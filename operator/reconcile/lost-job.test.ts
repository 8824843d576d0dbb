import { expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { observed, sourcesOf } from '../../test/build/observed.ts';
import { ended, orphaned, outlived, pod, running, succeededResult } from '../../test/build/pod.ts';
import { videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';
import { viewOf } from './view.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const frozen = ['job-1'];
const film = videoGeneration(withSpec({ retries: { failures: 3, disruptions: 3 } }));
const first = settle(decide(observed({ film, frozen, live: true, jobs: [job(1)], pods: [pod(1, running)] }), NOW), [])
  .status!;

it('a runner that failed is over: a container beside it, in a pod that lost its Job, does not hold GPUs and film for ever', () => {
  const seen = decide(
    observed({ film: withStatus(first)(film), frozen, live: true, pods: [pod(1, ended(1), outlived, orphaned)] }),
    NOW,
  );
  expect(seen.verdict.outcome).toBe('held');
  expect(seen.actions).toContainEqual(expect.objectContaining({ type: 'delete-pod', uid: 'pod-1' }));
});

it('no GPU is held after the end: the pod of a finished film that lost its Job, and in which another container goes on, goes', () => {
  const pods = [pod(1, ended(0, succeededResult), outlived, orphaned)];
  const done = settle(decide(observed({ film: withStatus(first)(film), frozen, live: true, pods }), NOW), []).status!;
  expect(done.phase).toBe('Succeeded');
  const rounds = [1, 60, 60 * 24 * 30].map(
    (minutes) =>
      decide(observed({ film: withStatus(done)(film), frozen, live: true, pods }), NOW + minutes * 60_000).actions,
  );
  expect(rounds.flat()).toContainEqual(expect.objectContaining({ type: 'delete-pod', uid: 'pod-1' }));
});

it('a film that is deleted in the foreground loses the pods of a lost node by force, or it never goes', () => {
  const lostNode = withSpec({ deadlines: { lostNode: '10m' } });
  const going = { deletionTimestamp: '2026-01-01T00:11:00Z', finalizers: ['foregroundDeletion'] };
  const leaving = <T extends Job | Pod>(object: T): T => ({ ...object, metadata: { ...object.metadata, ...going } });
  const at = (time: string) =>
    decide(
      observed({
        film: withMetadata(going)(withStatus(first)(videoGeneration(lostNode))),
        ...{ frozen, live: true, jobs: [leaving(job(1))], pods: [leaving(pod(1, running))] },
      }),
      Date.parse(`2026-01-01T${time}Z`),
    );
  expect(at('00:20:00')).toMatchObject({ actions: [], requeueAfterMs: 60_000 });
  expect(at('00:21:00').actions).toEqual([
    { type: 'delete-pod', name: pod(1).metadata.name, uid: 'pod-1', version: '201', force: true },
  ]);
  expect(at('00:21:00').status).toBeUndefined();
});

it('a suspended film gives its GPUs back, also where its pod has lost its Job', () => {
  const waiting = videoGeneration(withSpec({ retries: { failures: 3, disruptions: 3 }, suspend: true }));
  const seen = decide(
    observed({
      film: withMetadata({ generation: 2 })(withStatus(first)(waiting)),
      frozen,
      live: true,
      pods: [pod(1, running, orphaned)],
    }),
    NOW,
  );
  expect(seen.actions).toContainEqual(expect.objectContaining({ type: 'delete-pod', uid: 'pod-1' }));
});

it('a pod of somebody else that has ended never takes the film over while its own pod is at work', () => {
  const forge = (object: Pod): Pod => ({
    ...object,
    metadata: { ...object.metadata, uid: 'forged', name: 'lighthouse-3f2a9c1b-2-zzzzz', ownerReferences: [] },
  });
  const own = { film: withStatus(first)(film), frozen, live: true, jobs: [job(1)] };
  const begun = settle(decide(observed({ ...own, pods: [pod(1, running), pod(2, running, forge)] }), NOW), []).status!;
  const next = decide(
    observed({
      ...own,
      film: withStatus(begun)(film),
      pods: [pod(1, running), pod(2, ended(0, succeededResult), forge)],
    }),
    NOW + 60_000,
  );
  expect(next.verdict.outcome).toBe('live');
});

it('nor does it end the film with an exit code of its own that no other try mends', () => {
  const forge = (object: Pod): Pod => ({
    ...object,
    metadata: { ...object.metadata, uid: 'forged', name: 'lighthouse-3f2a9c1b-2-zzzzz', ownerReferences: [] },
  });
  const own = { frozen, live: true, jobs: [job(1)] };
  const a = settle(
    decide(observed({ ...own, film: withStatus(first)(film), pods: [pod(1, running), pod(2, running, forge)] }), NOW),
    [],
  ).status!;
  const b = decide(
    observed({ ...own, film: withStatus(a)(film), pods: [pod(1, running), pod(2, ended(20), forge)] }),
    NOW + 60_000,
  );
  expect(b.verdict.outcome).toBe('live');
});

const claimed = settle(decide(observed({ film, frozen, live: true, jobs: [job(1)] }), NOW), []).status!;
it('a Job whose owner was taken off is there all the same: no second one beside it', () => {
  const ownerless = job(1, (j) => ({ ...j, metadata: { ...j.metadata, ownerReferences: [] } }));
  const a = settle(
    decide(observed({ film: withStatus(claimed)(film), frozen: ['job-1'], live: true, jobs: [ownerless] }), NOW),
    [],
  ).status!;
  const b = decide(
    observed({ film: withStatus(a)(film), frozen: ['job-1'], live: true, jobs: [ownerless] }),
    NOW + 60_000,
  );
  expect(b.verdict.outcome).not.toBe('start');
});

it('a Job that somebody has suspended goes when its film is over: let go, it would make a pod again', () => {
  const suspended = job(1, (j) => ({ ...j, spec: { ...j.spec, suspend: true } }));
  const cluster = { frozen, live: true, jobs: [suspended], pods: [pod(1, ended(0, succeededResult))] };
  const done = settle(decide(observed({ ...cluster, film: withStatus(first)(film) }), NOW), []).status!;
  expect(done.phase).toBe('Succeeded');
  const next = decide(observed({ ...cluster, film: withStatus(done)(film) }), NOW + 1_000);
  expect(next.actions).toContainEqual(expect.objectContaining({ type: 'delete-job', uid: 'job-1' }));
});

it('a Job that was told as suspended before it went is looked for by the next operator, also where its labels were taken off', () => {
  const waits = videoGeneration(withSpec({ suspend: true }));
  const before = settle(decide(observed({ film: waits, frozen, live: true, jobs: [job(1)] }), NOW), []).status!;
  expect(before.attempts).toMatchObject([{ outcome: 'Suspended' }]);
  const known = withStatus(before)(waits);
  const cached = decide(observed({ film: known, frozen }), NOW + 60_000);
  expect([cached.verdict.outcome, cached.read]).toEqual(['suspended', true]);
  const unlabelled = { ...job(1), metadata: { ...job(1).metadata, labels: {} } };
  const seen = decide(observedWith(unlabelled, known), NOW + 60_000);
  expect(seen.actions).toContainEqual(expect.objectContaining({ type: 'delete-job', uid: 'job-1' }));
  const gone = decide(observed({ film: known, frozen, live: true }), NOW + 60_000);
  expect([gone.read, gone.actions, gone.requeueAfterMs]).toEqual([false, [], undefined]);
});

/** What a read finds that looks for the Job by its name. */
function observedWith(found: Job, known: ReturnType<typeof videoGeneration>) {
  return viewOf({ object: known, jobs: [found], pods: [], live: true }, sourcesOf({ film: known, frozen }), false);
}
