import { expect, test } from 'vitest';
import { debianPackages, missingPackages } from './debian-packages.ts';

test('a bare machine lacks all packages of the cluster, and those of the image only when asked for', () => {
  const bare = () => false;
  expect(missingPackages(['cluster'], bare)).toEqual(
    debianPackages.filter((entry) => entry.neededBy === 'cluster').map((entry) => entry.name),
  );
  expect(missingPackages(['image'], bare)).toEqual(['mmdebstrap']);
});

test('a package is there if any of its files is', () => {
  const files = new Set(['/sbin/runc', '/usr/lib/cni/bridge', '/usr/sbin/iptables', '/sbin/ip', '/usr/bin/mount']);
  expect(missingPackages(['cluster'], (path) => files.has(path))).toEqual(['openssl', 'ca-certificates']);
});
