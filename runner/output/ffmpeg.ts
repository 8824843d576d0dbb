/**
 * The ffmpeg program: where it is, and one short child of it. Its output always comes back on a pipe, since ffmpeg exits
 * with 0 after a failed write on a full disk; what is written to a disk is written by the store.
 */

import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join as joinPath } from 'node:path';
import { promisify } from 'node:util';
import { join } from './boxes.ts';
import { outputError } from './errors.ts';

/** A usable ffmpeg. `version` is the first line that it says of itself: another build may give other bytes. */
export interface Ffmpeg {
  readonly program: string;
  readonly version: string;
}

/** A running child: bytes go in, and at the end all that it wrote comes out. */
export interface FfmpegChild {
  /** Resolves once the bytes are out of the caller's buffer. Rejects with the child's error if it has failed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes the input, waits for the child and gives its output. */
  finish(): Promise<Uint8Array>;
  /** Ends the child at once; harmless after `finish`. */
  cancel(): void;
}

const PROBE_MILLISECONDS = 30_000;
const STDERR_KEPT = 4096;

/**
 * Finds ffmpeg: `DUALPARAL_FFMPEG`, else the first one on PATH that has libx264, else the binary of
 * `@ffmpeg-installer/<platform>-<arch>`. A program that the variable names is never passed over in silence.
 */
export async function findFfmpeg(environment: NodeJS.ProcessEnv = process.env): Promise<Ffmpeg> {
  const named = environment.DUALPARAL_FFMPEG;
  if (named) {
    const program = isAbsolute(named) || !isBareName(named) ? named : (onPath(named, environment.PATH)[0] ?? named);
    const probed = await probe(program);
    if ('version' in probed) return probed;
    throw outputError('E_FFMPEG_UNUSABLE', { program: named, reason: probed.reason });
  }
  let path = 'there is none on PATH';
  for (const program of onPath('ffmpeg', environment.PATH)) {
    const probed = await probe(program);
    if ('version' in probed) return probed;
    path = `${program} ${probed.reason}`;
  }
  const bundled = bundledProgram();
  const probed = bundled === undefined ? undefined : await probe(bundled);
  if (probed && 'version' in probed) return probed;
  throw outputError('E_FFMPEG_MISSING', {
    path,
    bundled: probed
      ? `the one of npm ${probed.reason}`
      : `npm has none for ${process.platform}-${process.arch} installed here`,
  });
}

/**
 * Starts `ffmpeg args` with pipes. `task` completes the sentence "ffmpeg could not …" (`E_FFMPEG_FAILED`); a child ended by a
 * signal is `E_FFMPEG_KILLED`; an abort ends it and rejects with the signal's reason.
 */
export function startFfmpeg(
  ffmpeg: Ffmpeg,
  args: readonly string[],
  { task, signal }: { readonly task: string; readonly signal?: AbortSignal | undefined },
): FfmpegChild {
  signal?.throwIfAborted();
  const child = spawn(ffmpeg.program, ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args]);
  const output: Uint8Array[] = [];
  child.stdout.on('data', (chunk: Uint8Array) => output.push(chunk));
  const ended = waitForEnd(child, ffmpeg.program, task, signal);
  const over = ended.then(
    () => false,
    () => false,
  );
  // A child that is done early closes its input: what matters then is how it ended, not that a write met a closed pipe.
  child.stdin.on('error', () => undefined);

  return {
    async write(bytes) {
      const taken = new Promise<boolean>((resolve) => {
        child.stdin.write(bytes, (error) => resolve(error == null));
      });
      const isTaken = await Promise.race([taken, over]);
      if (!isTaken || signal?.aborted) await ended;
    },
    async finish() {
      child.stdin.end();
      await ended;
      return join(output);
    },
    cancel() {
      child.kill('SIGKILL');
    },
  };
}

function waitForEnd(
  child: ChildProcessWithoutNullStreams,
  program: string,
  task: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-STDERR_KEPT);
  });
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  return new Promise<void>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(outputError('E_FFMPEG_FAILED', { program, task, reason: error.code ?? error.message }, error));
    });
    child.once('close', (code, killedBy) => {
      if (signal?.aborted) return reject(signal.reason);
      if (killedBy !== null) return reject(outputError('E_FFMPEG_KILLED', { program, task, signal: killedBy }));
      if (code === 0) return resolve();
      const reason = `exit ${code}, ${complaints.trim() || 'without a word'}`;
      reject(outputError('E_FFMPEG_FAILED', { program, task, reason }));
    });
  }).finally(() => signal?.removeEventListener('abort', stop));
}

async function probe(program: string): Promise<Ffmpeg | { readonly reason: string }> {
  try {
    const { stdout } = await promisify(execFile)(program, ['-hide_banner', '-version'], {
      timeout: PROBE_MILLISECONDS,
      killSignal: 'SIGKILL',
    });
    const version = stdout.split('\n')[0]?.trim() ?? '';
    if (!version.startsWith('ffmpeg version')) return { reason: 'does not say that it is ffmpeg' };
    if (!stdout.includes('--enable-libx264')) return { reason: 'was built without libx264' };
    return { program, version };
  } catch (error) {
    const { code, killed } = error as NodeJS.ErrnoException & { killed?: boolean };
    if (killed) return { reason: `did not answer within ${PROBE_MILLISECONDS / 1000} s` };
    return { reason: `does not run (${typeof code === 'number' ? `exit ${code}` : (code ?? String(error))})` };
  }
}

function isBareName(name: string): boolean {
  return !name.includes('/') && !name.includes('\\');
}

function onPath(name: string, path: string | undefined): readonly string[] {
  return (path ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => joinPath(folder, name))
    .filter(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function bundledProgram(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(
      `@ffmpeg-installer/${process.platform}-${process.arch}/package.json`,
    );
    return joinPath(dirname(manifest), 'ffmpeg');
  } catch {
    return undefined;
  }
}
