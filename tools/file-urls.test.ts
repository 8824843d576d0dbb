import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pathsOutOfUrls } from './file-urls.ts';
import { repositoryFiles } from './repository-files.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCE = /\.(ts|mts|cts|js|mjs|cjs)$/;
/** Its examples are wrong on purpose. */
const OWN = /^tools\/file-urls/;

test('no source takes the path out of a file’s URL, so that all run in a folder with a space in its name', () => {
  const sources = repositoryFiles().filter((path) => SOURCE.test(path) && !OWN.test(path));
  expect(sources.length).toBeGreaterThan(300);
  const found = sources.flatMap((path) =>
    pathsOutOfUrls(readFileSync(join(ROOT, path), 'utf8')).map((line) => `${path}:${line}`),
  );
  expect(found).toEqual([]);
});

test.each([
  "const HERE = new URL('.', import.meta.url).pathname;",
  "const url = new URL('.', import.meta.url);\nconst { pathname } = url;",
  'const here = pathToFileURL(folder);\nread(here.pathname);',
  "read(new URL('file:///a%20b').pathname);",
  "const here = import.meta.url.replace('file://', '');",
  "read(new URL(import.meta.resolve('./a.ts')).pathname);",
])('that is found: %s', (text) => {
  expect(pathsOutOfUrls(text)).toEqual([text.split('\n').length]);
});

test.each([
  'const path = new URL(request.url, base).pathname;',
  "const here = fileURLToPath(new URL('.', import.meta.url));",
  "await import(new URL('./main.ts', import.meta.url).href);",
  "const here = join(import.meta.dirname, 'a.ts');",
])('that is not found: %s', (text) => {
  expect(pathsOutOfUrls(text)).toEqual([]);
});
