import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { textCache } from './text-cache.ts';

test.each([
  { what: 'nowhere unless said', environment: {}, asked: undefined, folder: {} },
  { what: 'nowhere for an empty name', environment: { DUALPARAL_TEXT_CACHE: '' }, asked: undefined, folder: {} },
  {
    what: 'where the environment says',
    environment: { DUALPARAL_TEXT_CACHE: '/cache' },
    asked: undefined,
    folder: { textCacheFolder: '/cache', textCacheAsked: false },
  },
  {
    what: 'where the command line says, before the environment',
    environment: { DUALPARAL_TEXT_CACHE: '/cache' },
    asked: 'texts',
    folder: { textCacheFolder: resolve('texts'), textCacheAsked: true },
  },
])('embeddings are kept $what', ({ environment, asked, folder }) => {
  expect(textCache(environment, asked)).toEqual(folder);
});
