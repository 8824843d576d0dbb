import { expect, test } from 'vitest';
import { readArguments } from './arguments.ts';
import { PARTS } from './parts.ts';

test('without words all parts run on a card', () => {
  expect(readArguments([])).toEqual({
    ...{ report: 'out/gpu.json', parts: Object.keys(PARTS), device: 'cuda', small: false },
  });
});

test('parts run in the order that is worth their time, each once, whatever the order of the words', () => {
  expect(readArguments(['--parts', 'films,provider,films', '--device', 'cpu', '--small'])).toEqual({
    ...{ report: 'out/gpu.json', parts: ['provider', 'films'], device: 'cpu', small: true },
  });
});

test.each([
  { words: ['--device', 'gpu'], problem: '--device is gpu, wanted cuda or cpu' },
  { words: ['--device', 'cuda:0'], problem: '--device is cuda:0, wanted cuda or cpu' },
  { words: ['--parts', 'provider,nothing'], problem: 'no part named nothing' },
  { words: ['--parts', 'toString'], problem: 'no part named toString' },
  { words: ['--parts', ''], problem: 'no part named' },
  { words: ['--parts'], problem: '--parts' },
  { words: ['--unknown'], problem: '--unknown' },
  { words: ['provider'], problem: 'provider' },
])('$words is no request', ({ words, problem }) => {
  expect(readArguments(words)).toEqual({ problem: expect.stringContaining(problem) });
});
