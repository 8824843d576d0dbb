/** Whether this machine can run the test bed, and if not, why not. */
import { existsSync } from 'node:fs';
import type { CodedError } from '#contract/error.ts';
import { findGo, type Go } from './build.ts';
import { missingPackages } from './debian-packages.ts';
import { clusterError } from './errors.ts';

export type ClusterSupport =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly code: string };

/** What the decision rests on, read from the machine by {@link readMachine}. */
export interface Machine {
  readonly platform: string;
  readonly isRoot: boolean;
  readonly go: Go | null;
  readonly missing: readonly string[];
  readonly hasApt: boolean;
}

const wantedGo = '1.26';

export function readMachine(): Machine {
  return {
    platform: `${process.platform}/${process.arch}`,
    isRoot: process.getuid?.() === 0,
    go: findGo(),
    missing: missingPackages(),
    hasApt: existsSync('/usr/bin/apt-get'),
  };
}

function isOlder(version: string, wanted: string): boolean {
  const numbers = (text: string) => (/(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number);
  const [major = 0, minor = 0] = numbers(version);
  const [wantedMajor = 0, wantedMinor = 0] = numbers(wanted);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

/** The first thing that stands in the way, or null. Packages that root can install by apt-get do not. */
export function obstacle(machine: Machine): CodedError | null {
  const packages = machine.missing.join(' ');
  if (machine.platform !== 'linux/x64') return clusterError('E_CLUSTER_PLATFORM', { platform: machine.platform });
  if (machine.go === null) return clusterError('E_CLUSTER_NO_GO', { wanted: wantedGo });
  if (isOlder(machine.go.version, wantedGo)) {
    return clusterError('E_CLUSTER_OLD_GO', { wanted: wantedGo, found: machine.go.version });
  }
  if (!machine.isRoot) {
    const missing = packages === '' ? '' : ` and these Debian packages: ${packages}`;
    return clusterError('E_CLUSTER_NOT_ROOT', { missing });
  }
  if (packages !== '' && !machine.hasApt) {
    return clusterError('E_CLUSTER_PACKAGES', { packages, detail: ' (there is no apt-get here)' });
  }
  return null;
}

/**
 * Whether the tests that need a real Kubernetes can run here. In CI they are never skipped: there, what stands in the
 * way is thrown.
 */
export function clusterSupport(
  machine: Machine = readMachine(),
  isCi = (process.env.CI ?? '') !== '' && process.env.CI !== 'false',
): ClusterSupport {
  const error = obstacle(machine);
  if (error === null) return { ok: true };
  if (isCi) throw error;
  return { ok: false, reason: error.message, code: error.code };
}
