/** A small image with a shell for tests of the cluster itself: Debian's static busybox, nothing installed on this machine. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packFolder, runToEnd } from '../../image/layer.ts';
import { writeOciImage } from '../../image/oci-layout.ts';
import { imageCacheFolder } from './images.ts';

export const shellImage = 'localhost/dualparal-shell:2';

const commands = [
  'sh',
  'cat',
  'echo',
  'env',
  'id',
  'ls',
  'mkdir',
  'sha256sum',
  'sleep',
  'sort',
  'test',
  'touch',
  'wget',
];

async function download(folder: string): Promise<string> {
  const fetch = () => runToEnd('sh', ['-c', 'cd "$1" && apt-get -q download busybox-static', 'sh', folder]);
  try {
    await fetch();
  } catch {
    // A machine that never updated its package lists knows of no package.
    await runToEnd('apt-get', ['-q', 'update']);
    await fetch();
  }
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '');
}

/** Path of the image's OCI layout tar; made on the first call, then kept in the cache. */
export async function shellImageTar(): Promise<string> {
  const output = join(imageCacheFolder(), 'shell-2.tar');
  if (existsSync(output)) return output;
  mkdirSync(imageCacheFolder(), { recursive: true });
  const staging = mkdtempSync(join(imageCacheFolder(), '.shell-'));
  try {
    const root = join(staging, 'root');
    await runToEnd('dpkg-deb', ['--extract', await download(staging), root]);
    rmSync(join(root, 'usr'), { recursive: true, force: true });
    for (const command of commands) symlinkSync('busybox', join(root, 'bin', command));
    for (const folder of ['tmp', 'www']) mkdirSync(join(root, folder));
    writeFileSync(join(root, 'www', 'index.html'), 'hello\n');
    await packFolder(root, join(staging, 'layer.tar'));
    const settings = { Entrypoint: ['/bin/sh', '-c'], Env: ['PATH=/bin'], User: '65532:65532', WorkingDir: '/' };
    await writeOciImage({ name: shellImage, layers: [join(staging, 'layer.tar')], settings }, output);
    return output;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
