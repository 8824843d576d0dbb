import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { observed } from '../../test/build/observed.ts';
import { videoGeneration, withStatus } from '../../test/build/video-generation.ts';
import type { Observed } from './observed.ts';

describe('an observation', () => {
  it('gives the reason of a Job without its pod in the same words at each try', () => {
    const refusals = ['x7k2p', 'b9q4z'].map((end, index) => {
      const message = `Error creating: pods "lighthouse-3f2a9c1b-1-${end}" is forbidden: exceeded quota: gpus`;
      const involvedObject = { uid: 'job-1', name: 'lighthouse-3f2a9c1b-1' };
      const metadata = { name: 'e', namespace: 'films', resourceVersion: String(index + 1) };
      return observed({ jobs: [job(1)], events: [{ metadata, involvedObject, reason: 'FailedCreate', message }] })
        .jobs[0]?.refusal;
    });
    const expected = 'Error creating: pods "lighthouse-3f2a9c1b-1-*" is forbidden: exceeded quota: gpus';
    expect(refusals).toEqual([expected, expected]);
  });

  it.each([
    ['this process has written it', ['job-1'], undefined, 'written'],
    ['the status tells that one before it has', [], 'job-1', 'written'],
    ['the status tells so of another Job', [], 'job-0', 'unknown'],
    ['nobody tells', [], undefined, 'unknown'],
  ])('knows whether the frozen spec is there: %s', (_what, frozen, jobUid, expected) => {
    const claim = { attempt: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, specHash: '' };
    const status = { observedGeneration: 1, phase: 'Queued' as const, conditions: [], failures: 0, disruptions: 0 };
    const told = jobUid === undefined ? status : { ...status, claim: { ...claim, jobUid, frozen: true } };
    const film = withStatus(told)(videoGeneration());
    expect(observed({ film, jobs: [job(1)], frozen }).jobs[0]?.frozen).toBe(expected);
  });

  it('of a spec that is not valid names every problem', () => {
    const film = { ...videoGeneration(), spec: { prompt: '', length: { frames: 81 } } };
    const { spec, problems }: Observed = observed({ film });
    expect({ spec, problems }).toEqual({
      spec: undefined,
      problems: ['prompt: must have at least 1 character, found ""', 'model: is required', 'output: is required'],
    });
  });

  it('of a spec that types and ranges let pass checks the rest as the API server does', () => {
    const { spec, ...film } = videoGeneration();
    const odd = { ...film, spec: { ...(spec as object), length: { frames: 82 } } };
    expect(observed({ film: odd }).problems).toEqual(['length.frames: must be 4k + 1, found 82: take 81 or 85']);
  });
});
