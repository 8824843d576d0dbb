/** An image's lowest layer: Debian's minimal system and a few packages, made by mmdebstrap from Debian's own packages. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianRelease, excludedPaths, imageUser } from './contents.ts';
import { runToEnd } from './layer.ts';

/** Options of mmdebstrap. */
export function baseOptions(packages: readonly string[]): string[] {
  const account = `--uid ${imageUser} --gid ${imageUser} --no-create-home --home-dir /tmp --shell /usr/sbin/nologin`;
  return [
    '--quiet',
    '--format=tar',
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
    `--customize-hook=chroot "$1" groupadd --gid ${imageUser} nonroot`,
    `--customize-hook=chroot "$1" useradd ${account} nonroot`,
    // What differs from build to build or from machine to machine.
    '--customize-hook=rm -rf "$1"/var/log/* "$1"/var/cache/* "$1"/var/lib/apt/lists/*',
    '--customize-hook=rm -f "$1"/etc/hostname "$1"/etc/resolv.conf',
  ];
}

export interface BaseLayerOptions {
  readonly cache: string;
  /** Debian packages on top of the minimal system. */
  readonly packages: readonly string[];
  /** Make it anew, with Debian's latest packages, where it is in the cache already. */
  readonly fresh: boolean;
  readonly report: (line: string) => void;
}

/** Path of the layer in the cache folder, made there if it is not. */
export async function baseLayer({ cache, packages, fresh, report }: BaseLayerOptions): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([debianRelease, baseOptions(packages)]))
    .digest('hex')
    .slice(0, 20);
  const output = join(cache, `base-${key}.tar`);
  if (existsSync(output) && !fresh) return output;
  mkdirSync(cache, { recursive: true });
  report('making the base file system from Debian packages');
  const partial = `${output}.${process.pid}`;
  try {
    await runToEnd('mmdebstrap', [...baseOptions(packages), debianRelease, partial], { SOURCE_DATE_EPOCH: '0' });
    renameSync(partial, output);
  } finally {
    rmSync(partial, { force: true });
  }
  return output;
}
