import { describe, expect, it } from 'vitest';
import { videoGenerationSpec } from '../../test/build/video-generation.ts';
import { isChildName, jobName, mapOf, outputLocation } from './names.ts';

const uid = '3f2a9c1b-0d4e-4f6a-8b7c-112233445566';
const named = (name: string) => ({ namespace: 'films', name, uid });

describe('jobName', () => {
  it.each([
    ['lighthouse', 1, 'lighthouse-3f2a9c1b-1'],
    ['v1.2.storm', 12, 'v1-2-storm-3f2a9c1b-12'],
    ['x'.repeat(63), 122, `${'x'.repeat(44)}-3f2a9c1b-122`],
    [`${'x'.repeat(43)}-yyy`, 1, `${'x'.repeat(43)}-3f2a9c1b-1`],
  ])('of %s, attempt %i, is %s', (name, attempt, expected) => {
    expect(jobName(named(name), attempt)).toBe(expected);
  });

  it('leaves room for the end of a pod name within the 63 characters of a label', () => {
    expect(`${jobName(named('x'.repeat(63)), 122)}-abcde`.length).toBeLessThanOrEqual(63);
  });

  it('is recognised, and so are its pods', () => {
    const job = jobName(named('film'), 3);
    expect([job, `${job}-x7k2p`, 'film', 'web-5d9c7f-abcde', 'backup-28123456-1x'].map(isChildName)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

it.each([
  ['as the Job says', { 'dualparal.io/frozen-spec': 'film-3f2a9c1b-1-0a1b2c3d' }, 'film-3f2a9c1b-1-0a1b2c3d'],
  ['of its own name, where an operator made the Job that did not say it', {}, 'film-3f2a9c1b-1'],
])('the ConfigMap of a Job is the one %s', (_which, annotations, map) => {
  expect(mapOf({ metadata: { name: 'film-3f2a9c1b-1', annotations } })).toBe(map);
});

describe('outputLocation', () => {
  it('names the claim and the path below its root', () => {
    const spec = videoGenerationSpec();
    expect(outputLocation(spec, '/output/films/a/b.mp4')).toBe('pvc://films/films/a/b.mp4');
    expect(outputLocation(spec, '/outputs/a.mp4')).toBe('/outputs/a.mp4');
  });
});
