import { expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { observed, progressRecord } from '../../test/build/observed.ts';
import { asNext, ended, pod, running } from '../../test/build/pod.ts';
import { videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { claim } from './claim.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';

const at = (text: string) => Date.parse(`2026-01-01T${text}Z`);
const frozen = ['job-1', 'job-2'];

/** The claim as it is written: what the API server then holds. */
async function written(decision: ReturnType<typeof decide>): Promise<VideoGenerationStatus> {
  let stored: VideoGenerationStatus | undefined;
  const client = {
    call: async ({ body }: { body: { status: VideoGenerationStatus; metadata: object } }) => {
      stored = body.status;
      return {
        ...videoGeneration(),
        metadata: { ...videoGeneration().metadata, resourceVersion: '5000' },
        status: stored,
      };
    },
  };
  const sources = { resources: { learn: () => {} }, unwritten: new Map() };
  await claim(decision, { client, sources, signal: new AbortController().signal } as never);
  return stored!;
}

const spec = (more: object = {}) => withSpec({ retries: { failures: 3, disruptions: 3 }, ...more });

async function interrupted(more: object) {
  const film = videoGeneration(spec(more));
  const first = settle(
    decide(observed({ film, frozen, live: true, jobs: [job(1)], pods: [pod(1, running)] }), at('00:05:10')),
    [],
  ).status!;
  // The operator was away while attempt 1 worked ten minutes, failed, and its wait went by.
  const again = decide(
    observed({
      film: withStatus(first)(film),
      frozen,
      live: true,
      jobs: [job(1, withEnd('Failed'))],
      pods: [pod(1, ended(1))],
    }),
    at('00:40:00'),
  );
  expect(again.verdict).toMatchObject({ outcome: 'start', attempt: 2 });
  return { decided: again.status!, claimed: await written(again) };
}

it('time at work counts also where the operator ends (or meets a 409) between claim and report', async () => {
  const { decided, claimed } = await interrupted({ deadlines: { active: '12h' } });
  expect(decided.activeSeconds).toBe(600);
  const next = decide(
    observed({
      film: withStatus(claimed)(videoGeneration(spec({ deadlines: { active: '12h' } }))),
      ...{ frozen, live: true },
      jobs: [job(1, withEnd('Failed')), job(2)],
      pods: [pod(1, ended(1)), pod(2, running)],
    }),
    at('00:40:05'),
  ).status!;
  expect(next.failures).toBe(1);
  expect(next.activeSeconds).toBe(600);
});

it('an attempt at work goes on when the budget is lowered between claim and report', async () => {
  const { claimed } = await interrupted({});
  const film = withMetadata({ generation: 2 })(
    withStatus(claimed)(videoGeneration(spec({ retries: { failures: 0, disruptions: 0 } }))),
  );
  const next = decide(
    observed({
      film,
      frozen,
      live: true,
      jobs: [job(1, withEnd('Failed')), job(2)],
      pods: [pod(1, ended(1)), pod(2, running)],
    }),
    at('00:41:00'),
  );
  expect(next.verdict.outcome).toBe('live');
});

it('failures beyond the list count also where the operator ends between claim and report', async () => {
  const film = videoGeneration(spec({ retries: { failures: 15, disruptions: 3 } }));
  const first = settle(
    decide(observed({ film, frozen, live: true, jobs: [job(1)], pods: [pod(1, running)] }), at('00:05:10')),
    [],
  ).status!;
  // Nine failures, of which the list has room for fewer: here for none but the attempt at work.
  const before = { ...first, failures: 9, earlierAttempts: { count: 9, number: 1, pods: [] } };
  const again = decide(
    observed({
      film: withStatus(before)(film),
      frozen,
      live: true,
      jobs: [job(1, withEnd('Failed'))],
      pods: [pod(1, ended(1))],
    }),
    at('00:40:00'),
  );
  expect(again.verdict.outcome).toBe('start');
  expect(again.status!.failures).toBe(10);
  const claimed = await written(again);
  const next = decide(
    observed({
      film: withStatus(claimed)(film),
      ...{ frozen, live: true },
      jobs: [job(1, withEnd('Failed')), job(2)],
      pods: [pod(1, ended(1)), pod(2, running)],
    }),
    at('00:40:05'),
  ).status!;
  expect(next.failures).toBe(10);
});

it('the claim of a next attempt keeps the progress of its last attempt, and of no other', async () => {
  const film = videoGeneration(spec());
  const of = (status: VideoGenerationStatus | undefined, more: object, now: number) =>
    decide(observed({ film: withStatus(status)(film), frozen, live: true, ...more }), now);
  const reports = { 'pod-1': progressRecord() };
  const first = of(undefined, { jobs: [job(1)], pods: [pod(1, running)], reports }, at('00:05:10')).status;
  const jobs = [job(1, withEnd('Failed'))];
  const same = await written(of(first, { jobs, pods: [pod(1, ended(1))] }, at('00:40:00')));
  expect(same.progress).toEqual(first?.progress);
  const pods = [pod(1, ended(143)), pod(1, asNext, ended(1))];
  const another = await written(of(first, { jobs, pods }, at('00:40:00')));
  expect([another.attempts?.at(-1)?.podUid, another.progress]).toEqual(['pod-1b', undefined]);
});
