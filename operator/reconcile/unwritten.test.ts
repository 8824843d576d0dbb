import { expect, it } from 'vitest';
import type { Claim, VideoGenerationStatus } from '../api/status.ts';
import { withUnwritten } from './unwritten.ts';

const CLAIM: Claim = { attempt: 1, job: 'film-1', generation: 2, specHash: 'a1' };
const KNOWN: Claim = { ...CLAIM, jobUid: 'job-1', frozen: true };
const statusOf = (claim?: Claim): VideoGenerationStatus => ({
  ...{ observedGeneration: 1, phase: 'Queued', conditions: [], failures: 0, disruptions: 0 },
  ...(claim === undefined ? {} : { claim }),
});

it.each<[string, Claim | undefined, Claim | undefined, Claim | undefined]>([
  ['what came of its claim', CLAIM, KNOWN, KNOWN],
  ['that what the Job makes is written down', { ...CLAIM, jobUid: 'job-1' }, KNOWN, KNOWN],
  ['nothing less than is written', KNOWN, { ...CLAIM, jobUid: 'job-1' }, KNOWN],
  ['nothing of another attempt', { ...CLAIM, attempt: 2 }, KNOWN, { ...CLAIM, attempt: 2 }],
  ['nothing of another film of that name', { ...CLAIM, specHash: 'b2' }, KNOWN, { ...CLAIM, specHash: 'b2' }],
  ['nothing of another Job', { ...CLAIM, jobUid: 'job-0' }, KNOWN, { ...CLAIM, jobUid: 'job-0' }],
  ['nothing where nothing is claimed', undefined, KNOWN, undefined],
  ['nothing where nothing is known', CLAIM, undefined, CLAIM],
])('a status is told %s', (_what, claim, known, expected) => {
  expect(withUnwritten(statusOf(claim), known)).toEqual(statusOf(expected));
});

it('a film without a status has none', () => {
  expect(withUnwritten(undefined, KNOWN)).toBeUndefined();
});
