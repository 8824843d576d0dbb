import { expect, test } from 'vitest';
import type { RunnerFields } from '#contract/runner-fields.ts';
import { changedFields, marksText, readMarks, runnerMarks } from './runner-marks.ts';

const before: RunnerFields = { image: 'a', nodeSelector: { pool: 'gpu', zone: 'a' } };

test.each<[string, RunnerFields, readonly string[]]>([
  ['nothing', before, []],
  ['the order of keys', { nodeSelector: { zone: 'a', pool: 'gpu' }, image: 'a' }, []],
  ['a value', { ...before, image: 'b' }, ['image']],
  ['a value of a map', { ...before, nodeSelector: { pool: 'gpu', zone: 'b' } }, ['nodeSelector']],
  ['a field that is there no more', { image: 'a' }, ['nodeSelector']],
  ['fields that are new', { ...before, tolerations: [], gpu: {} }, ['gpu', 'tolerations']],
])('of %s the marks of a Job tell', (_what, after, fields) => {
  const carried = readMarks(marksText(runnerMarks(before)));
  expect(carried && changedFields(carried, runnerMarks(after))).toEqual(fields);
});

test('a Job of before carries none, one of an empty spec an empty list', () => {
  expect([readMarks(undefined), readMarks(marksText(runnerMarks({})))]).toEqual([undefined, {}]);
});
