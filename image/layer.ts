/** Packs a folder as a tar file whose bytes depend on names, modes and contents only. */
import { spawn } from 'node:child_process';
import { imageError } from './errors.ts';
import { stopping } from './stopping.ts';

export interface PackOptions {
  /** Store what symbolic links lead to instead of the links. */
  readonly dereference?: boolean;
}

/** Debian packages that are not named like the command that they bring. */
const PACKAGES: Readonly<Record<string, string>> = { pip3: 'python3-pip' };

/** Runs a command to its end; throws with the end of its error text, and `E_IMAGE_STOPPED` where it was ended because the build is. */
export function runToEnd(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...environment },
      signal: stopping,
    });
    let tail = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-1500);
    });
    const fail = (status: string) =>
      reject(
        imageError('E_IMAGE_COMMAND', {
          command: [command, ...args].join(' ').slice(0, 300),
          status,
          tail: tail.trim(),
        }),
      );
    child.on('error', (error: NodeJS.ErrnoException) => {
      // What it writes is removed once it has ended.
      if (error.name === 'AbortError') return;
      if (error.code === 'ENOENT')
        reject(imageError('E_IMAGE_PACKAGE', { command, package: PACKAGES[command] ?? command }));
      else fail(error.message);
    });
    child.on('close', (code, signal) => {
      if (stopping.aborted) reject(imageError('E_IMAGE_STOPPED'));
      else if (code === 0) resolve();
      else fail(code === null ? String(signal) : `exit status ${code}`);
    });
  });
}

/** Packs what lies in `folder`, sorted, with time 0, owned by root, readable by all. */
export function packFolder(folder: string, output: string, options: PackOptions = {}): Promise<void> {
  return runToEnd('tar', [
    ...['--create', '--file', output, '--directory', folder, '--sort=name', '--mtime=@0', '--format=posix'],
    ...['--owner=0', '--group=0', '--numeric-owner', '--mode=u+rwX,go+rX,go-w'],
    ...['--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime'],
    ...(options.dereference === true ? ['--dereference', '--hard-dereference'] : []),
    '.',
  ]);
}
