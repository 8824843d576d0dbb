/** The system packages that the test bed and the image need on a Debian machine: which, whether they are there, and how they come. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterError } from './errors.ts';

export interface DebianPackage {
  readonly name: string;
  /** The package counts as installed if one of these files is there. */
  readonly files: readonly string[];
  /** Whether the cluster or only the image needs it. */
  readonly neededBy: 'cluster' | 'image';
}

function command(name: string): string[] {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'].map(
    (folder) => `${folder}/${name}`,
  );
}

export const debianPackages: readonly DebianPackage[] = [
  { name: 'runc', files: command('runc'), neededBy: 'cluster' },
  { name: 'containernetworking-plugins', files: ['/usr/lib/cni/bridge'], neededBy: 'cluster' },
  { name: 'iptables', files: command('iptables'), neededBy: 'cluster' },
  { name: 'iproute2', files: command('ip'), neededBy: 'cluster' },
  { name: 'openssl', files: command('openssl'), neededBy: 'cluster' },
  { name: 'mount', files: command('mount'), neededBy: 'cluster' },
  { name: 'ca-certificates', files: ['/etc/ssl/certs/ca-certificates.crt'], neededBy: 'cluster' },
  { name: 'mmdebstrap', files: command('mmdebstrap'), neededBy: 'image' },
];

/** Names of the packages that are missing, for the cluster alone or for the image as well. */
export function missingPackages(
  neededBy: readonly DebianPackage['neededBy'][] = ['cluster'],
  exists: (path: string) => boolean = existsSync,
): string[] {
  return debianPackages
    .filter((entry) => neededBy.includes(entry.neededBy) && !entry.files.some(exists))
    .map((entry) => entry.name);
}

function aptGet(args: readonly string[]) {
  const options = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  return spawnSync('apt-get', [...options, ...args], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
  });
}

/** Runs apt-get, again while another process holds its locks. Returns its error text, empty on success. */
async function tryAptGet(args: readonly string[]): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const run = aptGet(args);
    if (run.error !== undefined) return run.error.message;
    if (run.status === 0) return '';
    const text = `${run.stderr}${run.stdout}`;
    if (attempt === 30 || !/Could not get lock|Unable to lock/.test(text)) return text.trim().slice(-600);
    await sleep(2000);
  }
}

/** Installs the missing packages by apt-get; does nothing where none is missing. Needs root. */
export async function installPackages(names: readonly string[], report: (line: string) => void): Promise<void> {
  if (names.length === 0) return;
  const packages = names.join(' ');
  report(`missing Debian packages: ${packages}; installing them by apt-get`);
  const failure = (await tryAptGet(['update'])) || (await tryAptGet(['install', '--no-install-recommends', ...names]));
  if (failure !== '') throw clusterError('E_CLUSTER_PACKAGES', { packages, detail: ` (apt-get says: ${failure})` });
}
