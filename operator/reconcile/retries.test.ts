import { describe, expect, it } from 'vitest';
import { observed } from '../../test/build/observed.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Attempt, Outcome, VideoGenerationStatus } from '../api/status.ts';
import { countedFailures, forgottenFailures, overspent } from './retries.ts';

const attempt = (number: number, outcome: Outcome, fields: Partial<Attempt> = {}): Attempt => ({
  ...{ number, job: `film-${number}`, generation: 1, pod: `p${number}`, podUid: `p${number}`, outcome },
  ...{ reason: 'E_X', message: 'm', exitCode: 1, gpus: 8, ...fields },
});
const failed = (number: number, checkpointIteration?: number, fields: Partial<Attempt> = {}) =>
  attempt(number, 'Failed', { ...(checkpointIteration === undefined ? {} : { checkpointIteration }), ...fields });
const disrupted = (number: number, checkpointIteration: number) =>
  attempt(number, 'Disrupted', { checkpointIteration });

/** The context of attempts whose ends are not written down yet, after those that are. */
function contextOf(fresh: readonly Attempt[], status?: Partial<VideoGenerationStatus>) {
  const before = { observedGeneration: 1, phase: 'Running', conditions: [], failures: 0, disruptions: 0, ...status };
  const written = (status === undefined ? undefined : before) as VideoGenerationStatus | undefined;
  const film = withStatus(written)(videoGeneration(withSpec({ retries: { failures: 2, disruptions: 2 } })));
  return { observed: observed({ film }), attempts: [...(status?.attempts ?? []), ...fresh], now: 0 };
}

describe('failures', () => {
  it.each<[string, readonly Attempt[], Partial<VideoGenerationStatus> | undefined, number]>([
    ['count, one by one', [failed(1), failed(2)], undefined, 2],
    ['do not count where the attempt got further', [failed(1, 5), failed(2, 9)], undefined, 0],
    [
      'count from the last attempt that got further on',
      [failed(1), failed(2, 5), failed(3, 5), failed(4, 5)],
      undefined,
      2,
    ],
    ['count where an attempt only got as far as one before', [failed(1, 9), failed(2, 3), failed(3, 9)], undefined, 2],
    [
      'are forgotten also where one that got further was taken away',
      [failed(1), disrupted(2, 5), failed(3, 5)],
      undefined,
      1,
    ],
    [
      'that were forgotten stay so when another is written down',
      [failed(3, 5)],
      { attempts: [failed(1), failed(2, 5)], failures: 2, forgottenFailures: 2 },
      1,
    ],
    [
      'are all forgotten when another attempt gets further',
      [failed(3, 6)],
      { attempts: [failed(1), failed(2, 5)], failures: 2, forgottenFailures: 1 },
      0,
    ],
    [
      'of which the list has lost sight count, and are forgotten, as well',
      [failed(8, 6)],
      {
        attempts: [failed(7, 5)],
        failures: 7,
        forgottenFailures: 3,
        claim: { attempt: 8, job: 'film-8', generation: 1, specHash: '' },
      },
      0,
    ],
  ])('%s', (_what, fresh, status, counted) => {
    expect(countedFailures(contextOf(fresh, status))).toBe(counted);
  });

  it('are forgotten once: what is written down stays as it is', () => {
    const all = [failed(1), failed(2, 5), failed(3, 5)];
    const forgotten = forgottenFailures(contextOf(all));
    expect(forgotten).toBe(2);
    expect(forgottenFailures(contextOf([], { attempts: all, failures: 3, forgottenFailures: forgotten }))).toBe(2);
  });
});

describe('no other attempt starts', () => {
  const at = (number: number, iteration: number, fields: Partial<Attempt> = {}) =>
    failed(number, 5, { iteration, ...fields });
  it.each<[string, readonly Attempt[], string | undefined]>([
    ['unless more failed than may', [failed(1), failed(2)], undefined],
    ['where more failed than may', [failed(1), failed(2), failed(3)], 'FailuresExhausted'],
    ['where more were taken away than may', [1, 2, 3].map((number) => disrupted(number, 0)), 'DisruptionsExhausted'],
    ['after three failures at one iteration with one code', [at(1, 7), at(2, 7), at(3, 7)], 'FailsAtSameIteration'],
    [
      'also where others were taken away in between',
      [at(1, 7), disrupted(2, 5), at(3, 7), at(4, 7)],
      'FailsAtSameIteration',
    ],
    ['unless they are of different iterations', [at(1, 7), at(2, 8), at(3, 7)], undefined],
    ['unless they have different codes', [at(1, 7), at(2, 7, { reason: 'E_Y' }), at(3, 7)], undefined],
    ['unless they had other GPUs', [at(1, 7), at(2, 7, { gpus: 4 }), at(3, 7, { gpus: 2 })], undefined],
    ['unless they had begun no iteration', [failed(1, 5), failed(2, 6), failed(3, 7)], undefined],
  ])('%s', (_what, fresh, reason) => {
    expect(overspent(contextOf(fresh))?.reason).toBe(reason);
  });

  it('and the end says at which iteration it fails, and of what', () => {
    expect(overspent(contextOf([at(1, 7), at(2, 7), at(3, 7)]))?.message).toBe(
      '3 attempts in a row failed at iteration 7 with E_X, so another would, too; the last: E_X: m',
    );
  });
});
