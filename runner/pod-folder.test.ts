import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobSpec } from '#contract/job-spec.ts';
import { attemptFolders, jobOfPod } from './pod-folder.ts';

const UID = '0a1b2c3d-1111-4222-8333-444455556666';
const jobWith = (output: Partial<JobSpec['output']>): JobSpec =>
  ({ name: 'film', output: { folder: '/output/a/film/u-2', formats: ['mp4'], ...output } }) as unknown as JobSpec;

test.each([
  ['a pod writes below the folder of its Job', UID, {}, { folder: '/output/a/film/u-2/0a1b2c3d' }],
  [
    'a pod looks at the folders of its own Job, too',
    UID,
    { earlier: ['/output/a/film/u-1'] },
    { folder: '/output/a/film/u-2/0a1b2c3d', earlier: ['/output/a/film/u-2', '/output/a/film/u-1'] },
  ],
  ['what runs in no pod writes where it is told', undefined, {}, {}],
  ['a uid that is none is no folder', '../..', { earlier: [] }, { earlier: [] }],
])('%s', (_what, uid, output, expected) => {
  expect(jobOfPod(jobWith(output), uid)).toEqual(jobWith(expected));
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dualparal-pods-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test('attempts are looked for in the folder of each Job and in those of its pods; nothing else is followed', async () => {
  for (const name of ['u-1', 'u-1/blocks', 'u-1/ffffffff', 'u-1/00000000', 'u-3'])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'u-1/aaaaaaaa'), '');
  writeFileSync(join(root, 'u-4'), '');
  symlinkSync(join(root, 'u-3'), join(root, 'u-1/bbbbbbbb'));
  const warnings: string[] = [];
  const folders = ['u-1', 'u-2', 'u-3', 'u-4'].map((name) => join(root, name));
  const found = await attemptFolders(folders, (text) => void warnings.push(text));
  expect(found).toEqual(['u-1', 'u-1/00000000', 'u-1/ffffffff', 'u-2', 'u-3'].map((name) => join(root, name)));
  expect(warnings).toEqual([expect.stringMatching(/^the folder of an earlier attempt cannot be read: .*u-4/)]);
});
