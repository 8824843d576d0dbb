import { expect, it } from 'vitest';
import type { Progress } from '#contract/progress.ts';
import { job, withEnd } from '../../../test/build/job.ts';
import { type Cluster, observed, progressRecord } from '../../../test/build/observed.ts';
import { ended, pod, running, succeededResult } from '../../../test/build/pod.ts';
import { videoGeneration, withStatus } from '../../../test/build/video-generation.ts';
import type { VideoGenerationStatus } from '../../api/status.ts';
import { decide } from '../decide.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const location = '/output/films/lighthouse/3f2a9c1b-1/0a1b2c3d';
const first = { iteration: 9, time: '2026-01-01T00:10:00.250Z', bytes: 1000, location };
const second = { ...first, iteration: 12, time: '2026-01-01T00:11:00.250Z' };
const told = ({ iteration, time }: typeof first) => {
  return { iteration, time: `${time.slice(0, 19)}Z`, bytes: 1000, location: `pvc://films${location.slice(7)}` };
};
const works = (number: number, fields: Partial<Progress>): Cluster => ({
  jobs: [job(number)],
  pods: [pod(number, running)],
  reports: { [`pod-${number}`]: progressRecord(fields) },
});
const failed = { contractVersion: 1, outcome: 'failed', framesReady: 0, elapsedSeconds: 9, checkpoint: second };
const gone: Cluster = { jobs: [job(1, withEnd('Failed'))], pods: [pod(1, ended(1, failed))] };
const made = (more: object): Cluster => ({
  jobs: [job(1, withEnd('Complete'))],
  pods: [pod(1, ended(0, { ...succeededResult, ...more }))],
});
const silent: Cluster = { jobs: [job(2)], pods: [pod(2)] };

function statusAfter(rounds: readonly Cluster[]): VideoGenerationStatus | undefined {
  let status: VideoGenerationStatus | undefined;
  for (const [round, cluster] of rounds.entries()) {
    const film = withStatus(status)(videoGeneration());
    status = decide(observed({ live: true, ...cluster, film }), NOW + round * 1_000_000).status;
  }
  return status;
}

it.each<[string, readonly Cluster[], typeof first | undefined]>([
  ['of which a runner reports is told', [works(1, { checkpoint: first })], first],
  ['that is newer takes its place', [works(1, { checkpoint: first }), works(1, { checkpoint: second })], second],
  ['of the last words counts, also where no report of it came', [works(1, { checkpoint: first }), gone], second],
  ['stays while the next attempt has said nothing', [gone, silent], second],
  ['stays where none can be written any more', [works(1, { checkpoint: first, checkpointFailure: 'full' })], first],
  [
    'that the next attempt goes on from is told, also if it is an older one',
    [gone, works(2, { resumedFrom: { iteration: 9 }, checkpoint: first })],
    first,
  ],
  ['from which nobody could go on is told no more', [gone, works(2, { resumedFrom: { iteration: 0 } })], undefined],
  ['goes with the end of the film', [works(1, { checkpoint: first }), made({})], undefined],
  ['is told to the end where it is kept', [works(1, { checkpoint: first }), made({ checkpoint: second })], second],
])('a checkpoint %s', (_what, rounds, expected) => {
  expect(statusAfter(rounds)?.checkpoint).toEqual(expected === undefined ? undefined : told(expected));
});

it('one that cannot be written is a condition, with the time of the last good one, until one can', () => {
  const failing = works(1, { checkpoint: first, checkpointFailure: 'no space is left' });
  const conditionAfter = (...rounds: readonly Cluster[]) =>
    statusAfter(rounds)?.conditions.find(({ type }) => type === 'CheckpointFailing');
  expect(conditionAfter(works(1, { checkpoint: first }))).toBeUndefined();
  expect(conditionAfter(failing)).toMatchObject({
    status: 'True',
    reason: 'CheckpointNotWritten',
    message: 'no checkpoint can be written (the newest is of 2026-01-01T00:10:00Z): no space is left',
  });
  expect(conditionAfter(failing, works(1, { checkpoint: second }))).toMatchObject({ status: 'False' });
});
