/**
 * One short ffmpeg. Its output always comes back on a pipe, since ffmpeg exits with 0 after a failed write on a full disk;
 * what is written to a disk is written by the store.
 */

import { join } from './boxes.ts';
import { type Child, type ChildEnd, startChild } from './child.ts';
import { outputError } from './errors.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { createPatience, LATE, type Patience, within } from './patience.ts';

/** A running ffmpeg: bytes go in, and what it writes comes out. */
export interface FfmpegChild {
  /** Resolves once the bytes are out of the caller's buffer. Rejects with the child's error if it has failed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes the input, waits for the child and gives its output. */
  finish(): Promise<Uint8Array>;
  /** Closes the input. */
  close(): void;
  /** The output piece by piece, for a child opened with `streams`; ends when the child has ended well. */
  output(): AsyncGenerator<Uint8Array>;
  /** Ends the child at once; harmless after `finish`. */
  cancel(): void;
}

/** What a child is for. */
export interface FfmpegTask {
  /** Completes the sentence "ffmpeg could not …". */
  readonly task: string;
  readonly patience?: Patience | undefined;
  /** More output than this is none of what was asked for: the child is ended. */
  readonly mostBytes: number;
  /** The output is read from `output()` while the child runs, instead of being collected. */
  readonly streams?: boolean;
}

const STDERR_KEPT = 4096;

/**
 * Starts `ffmpeg args` with pipes. A child that fails is `E_FFMPEG_FAILED`, one ended by a signal `E_FFMPEG_KILLED`, one that
 * does not get on with its work `E_FFMPEG_HUNG`; an abort ends it and rejects with the signal's reason.
 */
export function startFfmpeg(
  ffmpeg: Ffmpeg,
  args: readonly string[],
  what: FfmpegTask,
  signal?: AbortSignal,
): FfmpegChild {
  const { task, mostBytes, patience = createPatience(), streams = false } = what;
  signal?.throwIfAborted();
  const { program } = ffmpeg;
  const child = startChild(program, ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args]);
  const output: Uint8Array[] = [];
  let written = 0;
  const collect = (chunk: Uint8Array) => {
    written += chunk.byteLength;
    if (written > mostBytes) child.kill();
    else output.push(chunk);
  };
  if (!streams) child.stdout.on('data', collect);
  const ended = endOf(child, program, task, signal).catch((error: unknown) => {
    if (written <= mostBytes || signal?.aborted) throw error;
    const reason = `it wrote more than the ${mostBytes} bytes that this can take`;
    throw outputError('E_FFMPEG_FAILED', { program, task, reason }, error);
  });
  const over = ended.then(
    () => false,
    () => false,
  );
  let given = 0;

  async function inTime<T>(work: Promise<T>, bytes: number): Promise<T> {
    const limit = patience.limit(bytes);
    const done = await within(work, limit);
    if (done !== LATE) return done;
    child.kill();
    await over;
    signal?.throwIfAborted();
    throw outputError('E_FFMPEG_HUNG', { program, task, seconds: Number((limit / 1000).toPrecision(2)) });
  }

  return {
    async write(bytes) {
      given += bytes.byteLength;
      const taken = new Promise<boolean>((resolve) => {
        child.stdin.write(bytes, (error) => resolve(error == null));
      });
      const isTaken = await inTime(Promise.race([taken, over]), bytes.byteLength);
      if (!isTaken || signal?.aborted) await inTime(ended, 0);
    },
    async finish() {
      child.stdin.end();
      await inTime(ended, given);
      return join(output);
    },
    close() {
      child.stdin.end();
    },
    async *output() {
      const pieces = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      try {
        for (;;) {
          // A child that was ended breaks the stream; the reason is how it ended.
          const next = pieces.next().catch(async () => ended.then(() => ({ done: true, value: undefined }) as const));
          const { done, value } = await inTime(next, given);
          if (done) break;
          yield value;
        }
        await inTime(ended, 0);
      } finally {
        child.kill();
      }
    },
    cancel: child.kill,
  };
}

/** Resolves when the child has ended well; `complaints` of one that has not are quoted. */
async function endOf(child: Child, program: string, task: string, signal: AbortSignal | undefined): Promise<void> {
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-STDERR_KEPT);
  });
  signal?.addEventListener('abort', child.kill, { once: true });
  try {
    const end = await child.ended.catch((error: NodeJS.ErrnoException) => {
      throw outputError('E_FFMPEG_FAILED', { program, task, reason: error.code ?? error.message }, error);
    });
    signal?.throwIfAborted();
    judgeEnd(end, complaints, program, task);
  } finally {
    signal?.removeEventListener('abort', child.kill);
  }
}

function judgeEnd({ code, signal }: ChildEnd, complaints: string, program: string, task: string): void {
  if (signal !== null) throw outputError('E_FFMPEG_KILLED', { program, task, signal });
  if (code === 0) return;
  const reason = `exit ${code}, ${complaints.trim() || 'without a word'}`;
  throw outputError('E_FFMPEG_FAILED', { program, task, reason });
}
