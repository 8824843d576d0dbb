import { expect, test } from 'vitest';
import { withPlainPaths } from './path-options.ts';

test.each([
  [
    { output: 'films', json: true },
    { output: 'films', json: true },
  ],
  [{ output: 'file:///data/a%20film' }, { output: '/data/a film' }],
  [{ output: 'C:/films' }, { output: 'C:/films' }],
  [{ file: '-' }, { file: '-' }],
])('%j is read as %j', (given, read) => {
  expect(withPlainPaths<object>(given)).toEqual(read);
});

test.each([
  [{ output: 's3://b/x' }, /^E_CLI_SCHEME -o 's3:\/\/b\/x' names a place by s3:\/\//],
  [{ output: 's3:/b/x' }, /^E_CLI_SCHEME /],
  [{ output: 's3:b/x' }, /^E_CLI_SCHEME /],
  [{ model: 'HTTPS:host' }, /^E_CLI_SCHEME --model /],
  [{ latents: 'https://host/x' }, /^E_CLI_SCHEME --latents /],
  [{ output: 'file://host/x' }, /^E_CLI_URL -o /],
  [{ output: '' }, /^E_CLI_EMPTY -o is empty/],
  [{ textCache: ' ' }, /^E_CLI_EMPTY --text-cache is empty/],
  [{ model: '' }, /^E_CLI_EMPTY --model is empty/],
  [{ file: '' }, /^E_CLI_EMPTY -f is empty/],
])('%j is refused by name', (given, refusal) => {
  let found = '';
  try {
    withPlainPaths(given);
  } catch (error) {
    found = `${(error as { code: string }).code} ${(error as Error).message}`;
  }
  expect(found).toMatch(refusal);
});
