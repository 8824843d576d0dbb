/** Bringing images into the cluster without a registry: OCI layouts in tar files, straight into containerd's store. */
import { spawn } from 'node:child_process';
import { copyFileSync, createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { packFolder } from '../../image/layer.ts';
import { writeOciImage } from '../../image/oci-layout.ts';
import { type Bed, inBed } from './bed.ts';
import { cacheFolder } from './build.ts';
import { clusterError } from './errors.ts';
import { pauseImage, type Snapshotter } from './node-config.ts';

/** Imports an OCI layout tar; pods then name it with `imagePullPolicy: Never`. */
export async function importImage(bed: Bed, snapshotter: Snapshotter, tarFile: string): Promise<void> {
  const [command = '', ...args] = inBed(bed, [
    ...['env', `PATH=${bed.path}`, 'ctr', '--namespace', 'k8s.io', 'images', 'import'],
    ...['--local', '--snapshotter', snapshotter, '--platform', 'linux/amd64', '-'],
  ]);
  // Through a pipe: the bed does not see all folders of this machine.
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-800);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const fed = pipeline(createReadStream(tarFile, { highWaterMark: 1 << 20 }), child.stdin).catch(
    (error: NodeJS.ErrnoException) => error,
  );
  const code = await ended;
  const failure = await fed;
  // It stops reading at the archive's end mark, which zeros follow: what is written after that has no reader.
  if (code === 0 && (failure === undefined || failure.code === 'EPIPE')) return;
  throw clusterError('E_CLUSTER_COMMAND', {
    command: `ctr images import ${tarFile}`,
    status: `exit status ${code}`,
    tail: tail.trim() || String(failure),
  });
}

/** The image of one static program, as an OCI layout tar in the cache beside that program. */
async function programImage(program: string, name: string, entrypoint: string): Promise<string> {
  const output = `${program}.image.tar`;
  if (existsSync(output)) return output;
  const staging = mkdtempSync(join(dirname(program), '.image-'));
  try {
    const root = join(staging, 'root');
    mkdirSync(join(root, dirname(entrypoint)), { recursive: true });
    copyFileSync(program, join(root, entrypoint));
    await packFolder(root, join(staging, 'layer.tar'));
    const settings = { Entrypoint: [entrypoint], Env: ['PATH=/bin'], User: '65532:65532' };
    await writeOciImage({ name, layers: [join(staging, 'layer.tar')], settings }, output);
    return output;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Image of the process that holds a pod's namespaces. */
export function pauseImageTar(pause: string): Promise<string> {
  return programImage(pause, pauseImage, '/pause');
}

/** Folder for images that are built once and kept. */
export function imageCacheFolder(): string {
  return join(cacheFolder(), 'images');
}
