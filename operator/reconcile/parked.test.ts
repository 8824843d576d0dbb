import { expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { observed } from '../../test/build/observed.ts';
import { ended, pod, running } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';

const at = (text: string) => Date.parse(`2026-01-01T${text}:00Z`);
const frozen = ['job-1'];
const film = (status?: VideoGenerationStatus) =>
  withStatus(status)(
    videoGeneration(withSpec({ retries: { failures: 3, disruptions: 3 }, deadlines: { start: '30m' } })),
  );
const begun = job(1, (j) => ({ ...j, status: { startTime: '2026-01-01T00:01:00Z' } }));
const parked: Job = { ...begun, spec: { ...begun.spec, parallelism: 0 } };
const leaving = (p: Pod): Pod => ({ ...p, metadata: { ...p.metadata, deletionTimestamp: '2026-01-01T00:11:00Z' } });
const round = (status: VideoGenerationStatus | undefined, time: string, jobs: Job[], pods: Pod[]) =>
  decide(observed({ film: film(status), frozen, live: true, jobs, pods }), at(time));

it('a Job that somebody has parked (parallelism 0) for hours is not too late the moment it may go on', () => {
  const a = settle(round(undefined, '00:06', [begun], [pod(1, running)]), []).status!;
  const b = settle(round(a, '00:10', [parked], [pod(1, running, leaving)]), []).status!;
  const c = settle(round(b, '00:12', [parked], []), []).status!;
  expect(c.attempts?.at(-1)?.outcome).toBe('Suspended');
  expect(c.phase).toBe('Suspended');
  const d = settle(round(c, '02:00', [parked], []), []).status!;
  expect(d.phase).toBe('Suspended');
  const on = round(d, '02:01', [begun], []);
  expect(on.verdict.outcome).toBe('live');
});

it('a Job parked before its first pod is not too late the moment it may go on', () => {
  const a = settle(round(undefined, '00:02', [parked], []), []).status!;
  const on = round(settle(round(a, '02:00', [parked], []), []).status!, '02:01', [begun], []);
  expect(on.verdict.outcome).toBe('live');
});

it('a pod that a parked Job took away, seen only once it goes on, is no disruption', () => {
  const a = settle(round(undefined, '00:06', [begun], [pod(1, running)]), []).status!;
  const p = settle(round(a, '00:10', [parked], [pod(1, running)]), []).status!;
  const b = settle(round(p, '00:12', [begun], [pod(1, ended(143), leaving)]), []).status!;
  expect([b.disruptions, b.attempts?.at(-1)?.outcome]).toEqual([0, 'Suspended']);
});
