import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jobSpecSchema } from './job-spec.ts';
import { progressSchema } from './progress.ts';
import { resultSchema } from './result.ts';
import { CONTRACT_VERSION } from './version.ts';

/*
 * What operators and runners of every version have written, as they wrote it: `records/vN/KIND[-WHAT].json`. A file is added when a field is
 * added or a version begins, and none is ever changed: an operator that was upgraded reads what a runner from before reports, and the other way round.
 */
const RECORDS = join(import.meta.dirname, 'records');
const SCHEMAS = { job: jobSpecSchema, progress: progressSchema, result: resultSchema } as const;

const files = readdirSync(RECORDS, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.json'));

test.each(files)('%s is read, and nothing of it is lost', (file) => {
  const kind = /^v\d+\/(job|progress|result)\b/.exec(file)?.[1] as keyof typeof SCHEMAS;
  const written = JSON.parse(readFileSync(join(RECORDS, file), 'utf8'));
  expect(SCHEMAS[kind].parse(written)).toMatchObject(written);
});

test('every version up to the present one has records of every kind', () => {
  const wanted = Array.from({ length: CONTRACT_VERSION }, (_, version) =>
    Object.keys(SCHEMAS).map((kind) => `v${version + 1}/${kind}.json`),
  ).flat();
  expect(files).toEqual(expect.arrayContaining(wanted));
});
