import { describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed, progressRecord } from '../../test/build/observed.ts';
import { ended, pod, running, succeededResult, withContainer } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { statusEvents } from './status/events.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const LOCATION = '/output/films/lighthouse/3f2a9c1b-1/0a1b2c3d';
const checkpoint = (iteration: number, time: string) => {
  return { iteration, time: `2026-01-01T00:${time}.000Z`, bytes: 9, location: LOCATION };
};
/** Its last words: how far it came, and what it leaves. */
const failed = (fields: object) => {
  return { contractVersion: 1, outcome: 'failed', framesReady: 0, elapsedSeconds: 600, ...fields };
};
/** Containers run from 00:05 to 00:15, ten minutes on eight GPUs, if nothing else is said. */
const lost = (number: number, words?: object, times: { startedAt?: string; finishedAt?: string } = {}): Cluster => ({
  jobs: [job(number, withEnd('Failed'))],
  pods: [pod(number, ended(1, words, times))],
});
const works = (number: number, resumedFrom?: object): Cluster => ({
  jobs: [job(number)],
  pods: [pod(number, running)],
  reports: { [`pod-${number}`]: progressRecord({ ...(resumedFrom === undefined ? {} : { resumedFrom }) } as object) },
});
const madeIt = (number: number, more: object = {}): Cluster => ({
  jobs: [job(number, withEnd('Complete'))],
  pods: [pod(number, ended(0, { ...succeededResult, ...more }))],
});
const WHOLE = 8 * 600;

function lives(rounds: readonly Cluster[], film = videoGeneration(withSpec({ retries: { failures: 9 } }))) {
  let status: VideoGenerationStatus | undefined;
  return rounds.map((cluster, round) => {
    const at = NOW + round * 1_000_000;
    const look = () => decide(observed({ live: true, ...cluster, film: withStatus(status)(film) }), at).status;
    status = look();
    const again = look();
    // What is written down is not added once more.
    expect(again?.usage).toEqual(status?.usage);
    return status;
  });
}

describe('an attempt whose newest checkpoint turns out to be damaged while it loads', () => {
  const first = lost(1, failed({ checkpoint: checkpoint(40, '13:00') }));
  const believed = works(2, { iteration: 40, time: checkpoint(40, '13:00').time });
  const second = lost(2, failed({ resumedFrom: { iteration: 0 }, checkpoint: checkpoint(20, '28:00') }), {
    startedAt: '2026-01-01T00:20:00Z',
    finishedAt: '2026-01-01T00:30:00Z',
  });
  const third = works(3, { iteration: 20, time: checkpoint(20, '28:00').time });

  it.each<[string, readonly Cluster[]]>([
    ['and is followed by its film', [madeIt(2, { resumedFrom: { iteration: 0 } })]],
    ['and by another that goes on from its own', [second, third]],
  ])('went on where it says last, %s', (_what, rest) => {
    const seen = lives([first, believed, works(2, { iteration: 0 }), ...rest]).at(-1);
    const unseen = lives([first, works(2, { iteration: 0 }), works(2, { iteration: 0 }), ...rest]).at(-1);
    expect(seen?.attempts?.[1]?.resumedFromIteration).toBe(0);
    expect([seen?.attempts, seen?.usage]).toEqual([unseen?.attempts, unseen?.usage]);
  });

  it('is told of again by where it goes on then', () => {
    const [, before, further, anew] = lives([
      ...[first, believed, works(2, { iteration: 30, time: checkpoint(30, '12:00').time })],
      works(2, { iteration: 0 }),
    ]);
    const told = (from: typeof before, to: typeof before) => statusEvents(from, to!).map(({ reason }) => reason);
    expect([told(before, further), told(further, anew)]).toEqual([['AttemptGoesOn'], ['AttemptBeginsAnew']]);
  });
});

describe('what a film has cost', () => {
  it.each<[string, readonly Cluster[], number, number]>([
    ['is nothing while its first attempt is at work', [works(1)], 0, 0],
    ['is what its one attempt took, all of it in the film', [madeIt(1)], WHOLE, 0],
    ['is not lost before anybody says where it goes on', [lost(1)], WHOLE, 0],
    ['is all lost where the next attempt begins anew', [lost(1), works(2, { iteration: 0 })], WHOLE, WHOLE],
    [
      'is lost as far as it was computed after the checkpoint that the next attempt goes on from',
      [
        lost(1, failed({ checkpoint: checkpoint(9, '13:00') })),
        works(2, { iteration: 9, time: checkpoint(9, '13:00').time }),
      ],
      WHOLE,
      8 * 120,
    ],
    [
      'is lost by the older checkpoint where the newest was damaged',
      [
        lost(1, failed({ checkpoint: checkpoint(9, '13:00') })),
        works(2, { iteration: 7, time: checkpoint(7, '11:00').time }),
      ],
      WHOLE,
      8 * 240,
    ],
    [
      'is lost once: an attempt that made no checkpoint of its own is lost whole, the one before by what it lost already',
      [
        lost(1, failed({ checkpoint: checkpoint(9, '13:00') })),
        lost(2, failed({ resumedFrom: { iteration: 9, time: checkpoint(9, '13:00').time } })),
        works(3, { iteration: 9, time: checkpoint(9, '13:00').time }),
      ],
      2 * WHOLE,
      8 * 120 + WHOLE,
    ],
    [
      'is lost in full where the attempt after the next has to begin anew',
      [
        lost(1, failed({ checkpoint: checkpoint(9, '13:00') })),
        lost(2, failed({ resumedFrom: { iteration: 9, time: checkpoint(9, '13:00').time } })),
        works(3, { iteration: 0 }),
      ],
      2 * WHOLE,
      2 * WHOLE,
    ],
    [
      'is told by the last words where no report ever came',
      [
        lost(1, failed({ checkpoint: checkpoint(9, '13:00') })),
        madeIt(2, { resumedFrom: { iteration: 9, time: checkpoint(9, '13:00').time } }),
      ],
      2 * WHOLE,
      8 * 120,
    ],
    [
      'is never more than an attempt took, whatever a clock says',
      [lost(1), works(2, { iteration: 9, time: '2030-01-01T00:00:00.000Z' })],
      WHOLE,
      0,
    ],
    [
      'is never less than nothing, whatever a clock says',
      [
        lost(1, failed({ resumedFrom: { iteration: 2 } })),
        works(2, { iteration: 9, time: '2020-01-01T00:00:00.000Z' }),
      ],
      WHOLE,
      WHOLE,
    ],
  ])('%s', (_what, rounds, gpuSeconds, lostGpuSeconds) => {
    const last = lives(rounds).at(-1)?.usage;
    expect(last).toEqual(gpuSeconds === 0 ? undefined : { gpuSeconds, lostGpuSeconds });
  });

  describe('where an attempt in between began anew, with another stride', () => {
    const oldest = checkpoint(36, '13:00');
    const second = { startedAt: '2026-01-01T00:25:00Z', finishedAt: '2026-01-01T00:35:00Z' };
    const third = { startedAt: '2026-01-01T00:45:00Z', finishedAt: '2026-01-01T00:55:00Z' };
    const first = lost(1, failed({ resumedFrom: { iteration: 0 }, checkpoint: oldest }));
    const anew = (number: number, iteration: number, times: object) =>
      lost(number, failed({ resumedFrom: { iteration: 0 }, checkpoint: checkpoint(iteration, '33:00') }), times);
    const on = { iteration: 36, time: oldest.time };

    it.each([5, 40])('is kept again as far as a later one goes on from it: it came to %i', (iteration) => {
      const all = lives([first, anew(2, iteration, second), works(3, on)]);
      expect(all.map((status) => status?.usage?.lostGpuSeconds)).toEqual([0, WHOLE, 8 * 120 + WHOLE]);
      expect(all.at(-1)?.attempts?.map(({ lostGpuSeconds }) => lostGpuSeconds)).toEqual([8 * 120, WHOLE, undefined]);
    });

    it('is lost when it is begun anew once more', () => {
      const rounds = [
        first,
        anew(2, 5, second),
        lost(3, failed({ resumedFrom: on }), third),
        works(4, { iteration: 0 }),
      ];
      expect(lives(rounds).at(-1)?.usage).toEqual({ gpuSeconds: 3 * WHOLE, lostGpuSeconds: 3 * WHOLE });
    });

    it('is kept with what it had gone on from itself, and less is lost than before', () => {
      const start = lost(1, failed({ resumedFrom: { iteration: 0 }, checkpoint: checkpoint(9, '13:00') }));
      const next = lost(
        2,
        failed({
          resumedFrom: { iteration: 9, time: checkpoint(9, '13:00').time },
          checkpoint: checkpoint(36, '33:00'),
        }),
        second,
      );
      const short = { startedAt: '2026-01-01T00:45:00Z', finishedAt: '2026-01-01T00:46:00Z' };
      const between = lost(3, failed({ resumedFrom: { iteration: 0 } }), short);
      const end = works(4, { iteration: 36, time: checkpoint(36, '33:00').time });
      const pods = [start, next, between, end].map((_, at, all) => ({
        ...all[at]!,
        jobs: all.slice(0, at + 1).flatMap(({ jobs }) => jobs!),
        pods: all.slice(0, at + 1).flatMap((cluster) => cluster.pods!),
      }));
      const sums = (rounds: readonly Cluster[]) => lives(rounds).map((status) => status?.usage?.lostGpuSeconds);
      expect(sums(pods)).toEqual([0, 8 * 120, 2 * WHOLE, 2 * 8 * 120 + 8 * 60]);
      // Where pods are gone, nobody knows when the first checkpoint was written.
      expect(sums([start, next, between, end])).toEqual([0, 8 * 120, 2 * WHOLE, 8 * 120 + 8 * 60]);
    });
  });

  it('is reckoned by the clock of the node, also where that is an hour behind ours', () => {
    const behind = { startedAt: '2025-12-31T23:05:00Z', finishedAt: '2025-12-31T23:15:00Z' };
    const time = '2025-12-31T23:13:00.000Z';
    const words = failed({ checkpoint: { ...checkpoint(9, '13:00'), time } });
    const first = lost(1, words, behind);
    const next = {
      ...works(2, { iteration: 9, time }),
      jobs: [...first.jobs!, job(2)],
      pods: [...first.pods!, pod(2, running)],
    };
    expect(lives([first, next]).at(-1)?.usage).toEqual({ gpuSeconds: WHOLE, lostGpuSeconds: 8 * 120 });
  });

  it('is all lost where no film comes of it', () => {
    const film = videoGeneration(withSpec({ retries: { failures: 0 } }));
    const [status] = lives([lost(1)], film);
    expect([status?.phase, status?.usage]).toEqual(['Failed', { gpuSeconds: WHOLE, lostGpuSeconds: WHOLE }]);
    expect(status?.attempts).toMatchObject([{ gpuSeconds: WHOLE, lostGpuSeconds: WHOLE }]);
  });

  it('is added once, also where the list of attempts is taken away', () => {
    const film = videoGeneration(withSpec({ retries: { failures: 9 } }));
    const [first] = lives([lost(1)], film);
    const { attempts: _attempts, ...rest } = first!;
    const bare = { ...rest, claim: { ...rest.claim!, attempt: 2, job: 'lighthouse-3f2a9c1b-2' } };
    const cluster = { ...lost(1), live: true, film: withStatus(bare)(film) };
    expect(decide(observed(cluster), NOW).status?.usage).toEqual(first?.usage);
  });

  it('stays on each attempt, as the list tells it', () => {
    const time = checkpoint(9, '13:00').time;
    const status = lives([
      lost(1, failed({ checkpoint: checkpoint(9, '13:00'), iteration: 11 })),
      works(2, { iteration: 9, time }),
    ]).at(-1);
    expect(status?.attempts).toMatchObject([
      { gpus: 8, iteration: 11, checkpointIteration: 9, gpuSeconds: WHOLE, lostGpuSeconds: 960 },
      { gpus: 8, resumedFromIteration: 9 },
    ]);
  });
});

describe('an attempt that is at work when the film is over, or has used up its retries', () => {
  const taken = pod(1, ended(143, undefined));
  const next = (change: Parameters<typeof pod>[1]) => {
    const made = pod(1, change);
    const own = { uid: 'pod-1b', name: 'lighthouse-3f2a9c1b-1-bbbbb', creationTimestamp: '2026-01-01T00:16:00Z' };
    return { ...made, metadata: { ...made.metadata, ...own } };
  };
  const given = videoGeneration(withSpec({ retries: { failures: 9, disruptions: 0 } }));
  const times = { startedAt: '2026-01-01T00:17:00Z', finishedAt: '2026-01-01T01:02:00Z' };
  const isAtWork = withContainer({ running: { startedAt: times.startedAt } });
  const atWork = { jobs: [job(1)], pods: [taken, next((object) => isAtWork(running(object)))] };
  const over = { jobs: [job(1, withEnd('Failed'))], pods: [taken, next(ended(10, undefined, times))] };
  const TAKEN = 8 * 45 * 60;

  it('is reckoned when its pod has ended, once', () => {
    const [first, same, closed, again] = lives([atWork, atWork, over, over], given);
    expect(first).toMatchObject({ phase: 'Running', disruptions: 1, attempts: [{}, { outcome: 'Running' }] });
    expect(same).toEqual(first);
    expect(closed).toMatchObject({ phase: 'Failed', reason: 'DisruptionsExhausted', disruptions: 1 });
    expect(closed?.usage).toEqual({ gpuSeconds: WHOLE + TAKEN, lostGpuSeconds: WHOLE + TAKEN });
    expect(closed?.attempts).toMatchObject([
      { outcome: 'Disrupted', gpuSeconds: WHOLE, lostGpuSeconds: WHOLE },
      { outcome: 'Failed', gpuSeconds: TAKEN, lostGpuSeconds: TAKEN },
    ]);
    expect(again).toEqual(closed);
  });

  it('is reckoned where its pod is gone', () => {
    const [, closed, again] = lives([atWork, {}, {}], given);
    expect(closed?.attempts?.map(({ outcome }) => outcome)).toEqual(['Disrupted', 'Failed']);
    expect(closed?.disruptions).toBe(1);
    expect(again).toEqual(closed);
  });

  it('is lost where another one has made the film', () => {
    const made = madeIt(1);
    const late = lost(2, undefined, times);
    const both = { jobs: [...made.jobs!, job(2)], pods: [...made.pods!, pod(2, running, isAtWork)] };
    const [first, closed] = lives([
      both,
      { jobs: [...made.jobs!, ...late.jobs!], pods: [...made.pods!, ...late.pods!] },
    ]);
    expect([first?.phase, first?.usage]).toEqual(['Succeeded', { gpuSeconds: WHOLE, lostGpuSeconds: 0 }]);
    expect([closed?.phase, closed?.usage]).toEqual(['Succeeded', { gpuSeconds: WHOLE + TAKEN, lostGpuSeconds: TAKEN }]);
  });
});
