import { expect, test } from 'vitest';
import { buildWords, layerWords, modelWords, pruneWords } from './words.ts';

test('an image alone is built with all defaults', () => {
  expect(buildWords(['operator'])).toEqual({ image: 'operator', fresh: false, json: false });
});

test('all that can be said of a build is read', () => {
  const words = ['--name', 'localhost:5000/a/film-runner:1.0', '-o', 'x.tar', '--fresh', '--json', '--wheels', 'w'];
  expect(buildWords(['runner-cuda', ...words])).toEqual({
    ...{ image: 'runner-cuda', name: 'localhost:5000/a/film-runner:1.0', output: 'x.tar' },
    ...{ fresh: true, json: true, wheels: 'w' },
  });
});

test.each([
  { words: [], said: 'the image must be one of operator, runner, runner-cuda, found none' },
  { words: ['Runner'], said: 'found Runner' },
  { words: ['runner', 'operator'], said: 'too many words: operator' },
  { words: ['runner', '-o'], said: "Option '-o, --output <value>' argument missing; usage: node image/build.ts" },
  { words: ['runner', '-o', ''], said: 'output is empty' },
  { words: ['runner', '--name='], said: 'name is empty' },
  { words: ['runner', '--name', 'localhost/film'], said: "'localhost/film' is no image's name with its tag" },
  { words: ['runner', '--name', 'localhost/Film:1'], said: "'localhost/Film:1' is no image's name" },
  { words: ['runner', '--name', 'film:1\n'], said: "is no image's name" },
  { words: ['runner', '--fresh=yes'], said: '--fresh' },
  { words: ['runner', '--unknown'], said: "Unknown option '--unknown'" },
  { words: ['operator', '--wheels', '/wheels'], said: '--wheels is for runner-cuda, operator holds none' },
  { words: ['runner', '--wheels', '/wheels'], said: '--wheels is for runner-cuda, runner holds none' },
  { words: ['runner-cuda', '--wheels', ''], said: 'wheels is empty' },
])('$words is wrong usage of a build, and no unexpected failure', ({ words, said }) => {
  const code = { code: 'E_IMAGE_USAGE', exit: 'usage' };
  expect(() => buildWords(words)).toThrow(expect.objectContaining({ ...code, message: expect.stringContaining(said) }));
});

test.each([
  { program: 'model-image.ts', read: modelWords, words: ['tiny', '--name', 'localhost/tiny:1', '-o', 'tiny.tar'] },
  { program: 'cuda-layer.ts', read: layerWords, words: ['root'] },
  { program: 'prune-packages.ts', read: pruneWords, words: ['app', 'runner'] },
])('$program reads its words, and refuses none, one more, an empty one and an option that it has not', (given) => {
  const { read, words } = given;
  expect(() => read(words)).not.toThrow();
  for (const wrong of [[], [...words, 'more'], ['', ...words.slice(1)], [...words, '--unknown']]) {
    expect(() => read(wrong)).toThrow(expect.objectContaining({ code: 'E_IMAGE_USAGE', exit: 'usage' }));
  }
});

test.each([
  { words: ['tiny', '-o', 'x.tar'] },
  { words: ['tiny', '--name', 'localhost/tiny:1'] },
  { words: ['tiny', '--name', '', '-o', 'x.tar'] },
  { words: ['tiny', '--name', 'tiny', '-o', 'x.tar'] },
])('a model’s image has a name and a file: $words', ({ words }) => {
  expect(() => modelWords(words)).toThrow(expect.objectContaining({ code: 'E_IMAGE_USAGE' }));
});
