import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchorsOf, brokenCitations } from './citations.ts';
import { repositoryFiles } from './repository-files.ts';

const ROOT = join(import.meta.dirname, '..');
const CITING = /\.(ts|mjs|cjs|py|md|yaml|go)$/;
/** Its examples are broken on purpose. */
const OWN = /^tools\/citations/;

test('every citation in comments and pages opens', () => {
  const paths = repositoryFiles();
  const citing = paths.filter((path) => CITING.test(path) && !OWN.test(path));
  const texts = new Map(citing.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
  expect(texts.size).toBeGreaterThan(300);
  expect(brokenCitations({ paths: new Set(paths), texts })).toEqual([]);
});

describe('a planted citation', () => {
  const files: Record<string, string> = {
    'docs/wan.md': '# Wan\n\n## Rotary positions (time)\n\n```\n# no heading\n```\n',
    'runner/model/README.md': '',
    'runner/model/rotary.ts': '',
    'runner/contract/exit.ts': '',
  };
  const broken = (file: string, text: string) => {
    const texts = new Map(Object.entries({ ...files, [file]: text }));
    return brokenCitations({ paths: new Set(texts.keys()), texts }).map(({ cited }) => cited);
  };

  test.each([
    ['runner/a.ts', '// docs/wan.md#rotary-positions-time'],
    ['runner/a.ts', '// `contract/exit.ts`, `rotary.ts`, `runner/model/`, `node_modules/node/bin`'],
    [
      'runner/model/README.md',
      '[w](../../docs/wan.md#wan) [r](rotary.ts) [c](../contract/) [web](https://arxiv.org/abs/2505.21070)',
    ],
    ['docs/wan.md', '# Wan\n[here](#wan)'],
    ['runner/a.ts', 'process.env.DUALPARAL_FFMPEG'],
  ])('that opens is not reported: %s %s', (file, text) => {
    expect(broken(file, text)).toEqual([]);
  });

  test.each([
    ['runner/a.ts', '// docs/wan.md#rotary', ['docs/wan.md#rotary']],
    ['runner/a.ts', '// docs/wan.md#no-heading', ['docs/wan.md#no-heading']],
    ['runner/a.ts', '// VIDEO.md', ['VIDEO.md']],
    ['runner/a.ts', '// (WAN_SPEC §4)', ['§', 'WAN_SPEC']],
    ['runner/a.ts', '// (DUALPARAL, terms)', ['DUALPARAL']],
    ['runner/a.ts', '// `contract/exits.ts`', ['contract/exits.ts']],
    ['runner/a.ts', '// `runner/models/`', ['runner/models/']],
    ['runner/model/README.md', '[r](rotary.md) [c](contract/)', ['rotary.md', 'contract/']],
  ])('that leads nowhere is reported: %s %s', (file, text, cited) => {
    expect(broken(file, text).sort()).toEqual([...cited].sort());
  });
});

test('headings are named as links name them', () => {
  expect([...anchorsOf('# A layer\n## 2.1 UniPC & more, `x`\n```\n# code\n```\n')]).toEqual([
    'a-layer',
    '21-unipc--more-x',
  ]);
});
