import { expect, test } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { differences, filmIdentity, parseRecord, recordBytes } from './record.ts';

test.each([
  { what: 'the same film', there: { seed: 1, size: { width: 2 } }, here: { size: { width: 2 }, seed: 1 }, found: [] },
  { what: 'a field that is not given', there: { a: 1 }, here: { a: 1, b: undefined }, found: [] },
  { what: 'another seed', there: { seed: 42 }, here: { seed: 7 }, found: ['seed (42 there, 7 here)'] },
  {
    what: 'a field deeper down, and one that is new',
    there: { size: { width: 1 } },
    here: { size: { width: 2 }, noise: 'x' },
    found: ['size.width (1 there, 2 here)', 'noise (nothing there, "x" here)'],
  },
  { what: 'no record of what it is', there: undefined, here: { a: 1 }, found: ['a (nothing there, 1 here)'] },
])('differences of $what', ({ there, here, found }) => {
  expect(differences(there, here)).toEqual(found);
});

test('a film is the same on any number of devices and in any folder, and another with any other change', () => {
  const spec = jobSpecSchema.parse({
    name: 'film',
    prompt: 'a harbour',
    frames: 9,
    size: {},
    model: { ref: 'tiny', folder: '/models/tiny' },
    sampling: {},
    parallelism: {},
    output: { folder: '/films' },
  });
  const same = {
    ...spec,
    output: { ...spec.output, folder: '/elsewhere' },
    parallelism: { ...spec.parallelism, gpus: 64 },
  };
  expect(differences(filmIdentity(spec), filmIdentity(same))).toEqual([]);
  for (const change of [{ seed: 99 }, { prompt: 'else' }, { name: 'else' }, { fps: 7 }, { negativePrompt: 'else' }]) {
    expect(differences(filmIdentity(spec), filmIdentity({ ...spec, ...change }))).toHaveLength(1);
  }
  expect(differences(filmIdentity(spec), filmIdentity(spec, 'digest'))).toHaveLength(1);
});

test('a record is read as it was written, and nothing else is taken for one', () => {
  const record = { generator: 'dualparal', of: { seed: 1 }, files: { 'video.mp4': 'sum' } } as const;
  expect(parseRecord(Buffer.from(recordBytes(record)).toString())).toEqual(record);
  for (const text of ['', 'null', '[]', '{}', '{"generator":"dualparal"}', '{"generator":"else","files":{}}']) {
    expect(parseRecord(text)).toBeUndefined();
  }
});
