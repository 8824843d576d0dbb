import { expect, test } from 'vitest';
import { explain } from './explain.ts';
import { isUnreachable } from './system-error.ts';

const system = (code: string, errno = 0) =>
  Object.assign(new Error(`${code}: some words, write`), { code, errno, syscall: 'write' });
/** As Node gives what it has no name for. */
const nameless = (errno: number) => system(`Unknown system error -${errno}`, -errno);

test.each([
  ['a disk that fails', system('EIO'), { code: 'E_STORE_UNREACHABLE', exit: 'storage' }],
  ['a stale handle of NFS', nameless(116), { code: 'E_STORE_UNREACHABLE', exit: 'storage', message: /ESTALE/ }],
  ['a server that does not answer', system('ETIMEDOUT'), { code: 'E_STORE_UNREACHABLE', exit: 'storage' }],
  ['a mount whose process is gone', system('ENOTCONN'), { code: 'E_STORE_UNREACHABLE', exit: 'storage' }],
  ['a full disk', system('ENOSPC'), { code: 'E_STORE_FULL', exit: 'output' }],
  ['a quota that is used up', nameless(122), { code: 'E_STORE_FULL', exit: 'output' }],
  ['a read-only file system', system('EROFS'), { code: 'E_STORE_READ_ONLY', exit: 'output' }],
  ['anything else', system('EBUSY'), { code: 'E_STORE_FAILED', exit: 'output' }],
])('%s is said as what it is, and ends as that', (_what, error, { message = /./, ...wanted }: Wanted) => {
  expect(explain(error, 'write', '/films/a')).toMatchObject({ ...wanted, message: expect.stringMatching(message) });
});

interface Wanted {
  readonly code: string;
  readonly exit: string;
  readonly message?: RegExp;
}

test('what is no error of the system is never unreachable', () => {
  expect([undefined, 'EIO', { code: 'EIO' }, new Error('EIO')].map(isUnreachable)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
