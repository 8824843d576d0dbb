import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { differences, filmIdentity, parseRecord, recordBytes } from './record.ts';

/** Job specs as earlier versions froze them. */
const RECORDS = new URL('../contract/records/v1/', import.meta.url);

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
  {
    what: 'a number format',
    there: { sampling: { precision: 'float32' }, decoding: { precision: 'float32' } },
    here: { sampling: { precision: 'bfloat16' }, decoding: { precision: 'float16' } },
    found: [
      'sampling.precision ("float32" there, "bfloat16" here)',
      'decoding.precision ("float32" there, "float16" here)',
    ],
  },
  {
    what: 'a film of before formats could be chosen and one in float32',
    there: { sampling: { steps: 2 }, decoding: {} },
    here: { sampling: { steps: 2, precision: 'float32' }, decoding: { precision: 'float32' } },
    found: [],
  },
  {
    what: 'a film of before formats could be chosen and one in bfloat16',
    there: { sampling: { steps: 2 } },
    here: { sampling: { steps: 2, precision: 'bfloat16' } },
    found: ['sampling.precision ("float32" there, "bfloat16" here)'],
  },
  {
    what: 'a film in bfloat16 and a wish that leaves the format open',
    there: { sampling: { precision: 'bfloat16' } },
    here: { sampling: { precision: 'auto' } },
    found: [],
  },
  ...[
    { parallelism: { blockLatents: 4 } },
    { parallelism: { blockLatents: 4, stride: 1 } },
    { parallelism: { blockLatents: 4, stride: 1, leftContext: 'recompute' } },
  ].map((there) => ({
    what: `a film of before some of the parallelism could be chosen (${JSON.stringify(there)}) and what it was made with`,
    there,
    here: { parallelism: { blockLatents: 4, stride: 1, leftContext: 'recompute', guidanceParallel: false } },
    found: [],
  })),
  {
    what: 'a film of before the parallelism could be chosen and another choice',
    there: { parallelism: { blockLatents: 4 } },
    here: { parallelism: { blockLatents: 4, stride: 2, leftContext: 'reuse', guidanceParallel: true } },
    found: [
      'parallelism.stride (1 there, 2 here)',
      'parallelism.leftContext ("recompute" there, "reuse" here)',
      'parallelism.guidanceParallel (false there, true here)',
    ],
  },
  { what: 'no record of what it is', there: undefined, here: { a: 1 }, found: ['a (nothing there, 1 here)'] },
])('differences of $what', ({ there, here, found }) => {
  expect(differences(there, here)).toEqual(found);
});

test.each(readdirSync(RECORDS).filter((name) => name.startsWith('job')))(
  'a film that was made by %s is taken by a runner of today',
  (name) => {
    const stored = JSON.parse(readFileSync(new URL(name, RECORDS), 'utf8'));
    expect(differences(filmIdentity(stored), filmIdentity(jobSpecSchema.parse(stored)))).toEqual([]);
  },
);

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
  expect(differences(filmIdentity(spec), filmIdentity(spec, undefined, 'digest'))).toHaveLength(1);
  const [full, half] = (['float32', 'bfloat16'] as const).map((sampling) => {
    return filmIdentity(spec, { sampling, decoding: 'float32' });
  });
  expect(differences(full, half)).toEqual(['sampling.precision ("float32" there, "bfloat16" here)']);
  // Whoever leaves the format open takes a finished film in any.
  for (const made of [full, half]) expect(differences(made, filmIdentity(spec))).toEqual([]);
  const asked = filmIdentity({ ...spec, sampling: { ...spec.sampling, precision: 'float32' } });
  expect(differences(half, asked)).toHaveLength(1);
});

test('a record is read as it was written, and nothing else is taken for one', () => {
  const record = { generator: 'dualparal', of: { seed: 1 }, files: { 'video.mp4': 'sum' } } as const;
  expect(parseRecord(Buffer.from(recordBytes(record)).toString())).toEqual(record);
  for (const text of ['', 'null', '[]', '{}', '{"generator":"dualparal"}', '{"generator":"else","files":{}}']) {
    expect(parseRecord(text)).toBeUndefined();
  }
});
