import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { GRACE_VARIABLE, stopMilliseconds } from '#contract/stop-time.ts';
import type { Watched } from './ending.ts';
import { outOfMemoryKills } from './oom.ts';
import { CHILD_VARIABLE, type Word } from './parent-link.ts';
import { STOP_SIGNALS, type StopSignalName } from './signals.ts';
import { endProcessesWith } from './sweep.ts';

/** Set by a launcher that is no shell (`bin/dualparal.mjs`): its end is a stop, as it would be in one process. */
const LAUNCHER_VARIABLE = 'DUALPARAL_LAUNCHER';
/** Signals so close together are one: a terminal and a launcher such as npm both send it on Ctrl-C. */
const SAME_SIGNAL_MILLISECONDS = 500;
/** A thread that is stuck in native code keeps a process from ending; what it had to do is done by then. */
const OVER_PATIENCE_MILLISECONDS = 1000;
/** A little less than the grace period of a pod, so that there is time to say what happened. */
const STOP_PATIENCE_MILLISECONDS = stopMilliseconds(process.env[GRACE_VARIABLE]);
/** Words of a process that has ended may still be on their way. */
const LAST_WORD_MILLISECONDS = 500;

type Seen = { -readonly [K in keyof Watched]: Watched[K] };

/**
 * Runs `entry args` in a child and ends as it does. The child has a process group of its own, so that a signal comes from here
 * once, whoever sent it; nothing that it started (ffmpeg) outlives it. When the child dies without a word, this process writes the
 * result that the child could not.
 */
export async function supervise(entry: string, args: readonly string[]): Promise<void> {
  const started = Date.now();
  const seen: Seen = {
    ...{ told: undefined, code: null, signal: null, asked: undefined, askedAgain: undefined },
    ...{ isLate: false, isOutOfMemory: false, framesReady: 0, framesTotal: 0, goingOn: undefined },
  };
  // Inherited by all that the child starts, so that what it leaves behind can be found.
  const mark = randomUUID();
  const killsBefore = outOfMemoryKills();
  const child = spawn(process.execPath, [...process.execArgv, entry, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
    env: { ...process.env, [CHILD_VARIABLE]: mark },
  });
  const stop = passSignals(child, seen);
  if (process.env[LAUNCHER_VARIABLE] && process.send !== undefined) {
    process.once('disconnect', () => stop('SIGTERM'));
    process.channel?.unref();
  }
  child.on('message', (word: Word) => hear(word, seen, child));
  const spawnFailure = await endOf(child, seen);
  killGroup(child);
  endProcessesWith(CHILD_VARIABLE, mark);
  seen.isOutOfMemory = killsBefore !== undefined && (outOfMemoryKills() ?? 0) > killsBefore;
  if (seen.told !== undefined) process.exit(seen.told);
  const { lastWord } = await import('./last-word.ts');
  process.exit(lastWord(seen, spawnFailure, { args, elapsedSeconds: (Date.now() - started) / 1000 }));
}

function hear(word: Word, seen: Seen, child: ChildProcess): void {
  if (word.kind === 'progress') {
    seen.framesReady = word.framesReady;
    seen.framesTotal = word.framesTotal;
    return;
  }
  if (word.kind === 'resumable') {
    seen.goingOn = word.from ?? undefined;
    return;
  }
  seen.told = word.exitCode;
  if (word.kind === 'over') setTimeout(() => killGroup(child), OVER_PATIENCE_MILLISECONDS).unref();
}

/** Passes signals on, each stop once; gives the function that does so. A second stop ends the child at once. */
function passSignals(child: ChildProcess, seen: Seen): (signal: StopSignalName) => void {
  let askedAt = 0;
  function stop(signal: StopSignalName): void {
    if (seen.asked === undefined) {
      seen.asked = signal;
      askedAt = performance.now();
      child.kill(signal);
      const late = () => {
        seen.isLate = true;
        killGroup(child);
      };
      setTimeout(late, STOP_PATIENCE_MILLISECONDS).unref();
    } else if (performance.now() - askedAt > SAME_SIGNAL_MILLISECONDS) {
      seen.askedAgain = signal;
      killGroup(child);
    }
  }
  for (const signal of STOP_SIGNALS) process.on(signal, () => stop(signal));
  // A film goes on without its terminal.
  process.on('SIGHUP', () => undefined);
  // These reach the group in front of the terminal only.
  process.on('SIGWINCH', () => child.kill('SIGWINCH'));
  process.on('SIGTSTP', () => {
    killGroup(child, 'SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  });
  process.on('SIGCONT', () => killGroup(child, 'SIGCONT'));
  return stop;
}

/** Resolves when the child has ended and its words have arrived; with the reason when it could not even start. */
async function endOf(child: ChildProcess, seen: Seen): Promise<Error | undefined> {
  const heard = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const failure = await new Promise<Error | undefined>((resolve) => {
    child.once('error', resolve);
    child.once('exit', (code, signal) => {
      seen.code = code;
      seen.signal = signal;
      resolve(undefined);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LAST_WORD_MILLISECONDS);
  });
  if (failure === undefined) await Promise.race([heard, late]);
  clearTimeout(timer);
  return failure;
}

/** The child and all that it has started; harmless when nothing of it is left. */
function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Nothing of the group is left.
  }
}
