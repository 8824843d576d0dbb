import { expect, test } from 'vitest';
import { clusterSupport, type Machine, obstacle } from './support.ts';

const machine: Machine = {
  platform: 'linux/x64',
  isRoot: true,
  go: { version: 'go1.26.8', platform: 'linux/amd64' },
  missing: [],
  hasApt: true,
};

test.each<[string, Partial<Machine>, string | null]>([
  ['a complete machine', {}, null],
  ['root on Debian without the packages', { missing: ['runc'] }, null],
  ['a newer Go', { go: { version: 'go1.30', platform: '' } }, null],
  ['a next major Go', { go: { version: 'go2.0', platform: '' } }, null],
  ['another system', { platform: 'darwin/arm64' }, 'E_CLUSTER_PLATFORM'],
  ['no Go', { go: null }, 'E_CLUSTER_NO_GO'],
  ['an old Go', { go: { version: 'go1.25.9', platform: '' } }, 'E_CLUSTER_OLD_GO'],
  ['another user', { isRoot: false }, 'E_CLUSTER_NOT_ROOT'],
  ['missing packages and no apt-get', { missing: ['runc'], hasApt: false }, 'E_CLUSTER_PACKAGES'],
])('%s', (_, change, code) => {
  expect(obstacle({ ...machine, ...change })?.code ?? null).toBe(code);
});

test('another user is told the missing packages and the command', () => {
  const support = clusterSupport({ ...machine, isRoot: false, missing: ['runc', 'iptables'] }, false);
  expect(support).toEqual({
    ok: false,
    code: 'E_CLUSTER_NOT_ROOT',
    reason:
      'the test bed needs root for its namespaces and its kubelet and these Debian packages: runc iptables; as root: `npm test` or `npm run cluster -- up`',
  });
});

test('in CI what stands in the way is thrown, never skipped', () => {
  expect(() => clusterSupport({ ...machine, go: null }, true)).toThrow('there is no `go` on the PATH');
  expect(clusterSupport(machine, true)).toEqual({ ok: true });
});
