/** The image's lowest layer: Debian's minimal system with ffmpeg, made by mmdebstrap from Debian's own packages. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianRelease, excludedPaths, imagePackages, imageUser } from './contents.ts';
import { runToEnd } from './layer.ts';

/** Options of mmdebstrap. */
export function baseOptions(): string[] {
  const account = `--uid ${imageUser} --gid ${imageUser} --no-create-home --home-dir /tmp --shell /usr/sbin/nologin`;
  return [
    '--quiet',
    '--format=tar',
    '--variant=minbase',
    `--include=${imagePackages.join(',')}`,
    ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
    `--customize-hook=chroot "$1" groupadd --gid ${imageUser} nonroot`,
    `--customize-hook=chroot "$1" useradd ${account} nonroot`,
    // What differs from build to build or from machine to machine.
    '--customize-hook=rm -rf "$1"/var/log/* "$1"/var/cache/* "$1"/var/lib/apt/lists/*',
    '--customize-hook=rm -f "$1"/etc/hostname "$1"/etc/resolv.conf',
  ];
}

/** Path of the layer in the cache folder, made there if it is not; `fresh` makes it anew, with Debian's latest packages. */
export async function baseLayer(cache: string, fresh: boolean, report: (line: string) => void): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([debianRelease, baseOptions()]))
    .digest('hex')
    .slice(0, 20);
  const output = join(cache, `base-${key}.tar`);
  if (existsSync(output) && !fresh) return output;
  mkdirSync(cache, { recursive: true });
  report('making the base file system from Debian packages');
  const partial = `${output}.${process.pid}`;
  try {
    await runToEnd('mmdebstrap', [...baseOptions(), debianRelease, partial], { SOURCE_DATE_EPOCH: '0' });
    renameSync(partial, output);
  } finally {
    rmSync(partial, { force: true });
  }
  return output;
}
