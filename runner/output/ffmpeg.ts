/** The ffmpeg program: where it is, and whether it can be used. */

import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join as joinPath } from 'node:path';
import { type Child, type ChildEnd, startChild } from './child.ts';
import { outputError } from './errors.ts';
import { LATE, patienceOf, within } from './patience.ts';

/** A usable ffmpeg. `version` is the first line that it says of itself: another build may give other bytes. */
export interface Ffmpeg {
  readonly program: string;
  readonly version: string;
}

const PROBE_MILLISECONDS = 30_000;
/** An answer longer than this is none of ffmpeg's. */
const ANSWER_BYTES = 1 << 20;

/**
 * Finds ffmpeg: `DUALPARAL_FFMPEG`, else the first one on PATH that has libx264, else the binary of
 * `@ffmpeg-installer/<platform>-<arch>`. A program that the variable names is never passed over in silence; one that does
 * not answer is ended, and an abort rejects with the signal's reason.
 */
export async function findFfmpeg(environment: NodeJS.ProcessEnv = process.env, signal?: AbortSignal): Promise<Ffmpeg> {
  const named = environment.DUALPARAL_FFMPEG;
  if (named) {
    const program = isAbsolute(named) || !isBareName(named) ? named : (onPath(named, environment.PATH)[0] ?? named);
    const probed = await probe(program, signal);
    if ('version' in probed) return probed;
    throw outputError('E_FFMPEG_UNUSABLE', { program: named, reason: probed.reason });
  }
  let path = 'there is none on PATH';
  for (const program of onPath('ffmpeg', environment.PATH)) {
    const probed = await probe(program, signal);
    if ('version' in probed) return probed;
    path = `${program} ${probed.reason}`;
  }
  const bundled = bundledProgram();
  const probed = bundled === undefined ? undefined : await probe(bundled, signal);
  if (probed && 'version' in probed) return probed;
  throw outputError('E_FFMPEG_MISSING', {
    path,
    bundled: probed
      ? `the one of npm ${probed.reason}`
      : `npm has none for ${process.platform}-${process.arch} installed here`,
  });
}

async function probe(program: string, signal: AbortSignal | undefined): Promise<Ffmpeg | { readonly reason: string }> {
  signal?.throwIfAborted();
  const limit = patienceOf(process.env) ?? PROBE_MILLISECONDS;
  const child = startChild(program, ['-hide_banner', '-version']);
  signal?.addEventListener('abort', child.kill, { once: true });
  try {
    child.stdin.end();
    child.stderr.resume();
    const answer = await within(answerOf(child), limit);
    signal?.throwIfAborted();
    if (answer === LATE) return { reason: `did not answer within ${limit / 1000} s` };
    return judgeAnswer(program, answer);
  } catch (error) {
    signal?.throwIfAborted();
    return { reason: `does not run (${(error as NodeJS.ErrnoException).code ?? String(error)})` };
  } finally {
    signal?.removeEventListener('abort', child.kill);
    child.kill();
  }
}

async function answerOf(child: Child): Promise<ChildEnd & { readonly stdout: string }> {
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.length > ANSWER_BYTES) child.kill();
  });
  return { ...(await child.ended), stdout };
}

function judgeAnswer(
  program: string,
  answer: ChildEnd & { readonly stdout: string },
): Ffmpeg | { readonly reason: string } {
  const version = answer.stdout.split('\n')[0]?.trim() ?? '';
  if (answer.stdout.length > ANSWER_BYTES) return { reason: 'does not say that it is ffmpeg' };
  if (answer.code !== 0) return { reason: `does not run (${answer.signal ?? `exit ${answer.code}`})` };
  if (!version.startsWith('ffmpeg version')) return { reason: 'does not say that it is ffmpeg' };
  if (!answer.stdout.includes('--enable-libx264')) return { reason: 'was built without libx264' };
  return { program, version };
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
