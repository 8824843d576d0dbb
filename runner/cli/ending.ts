import type { CodedError } from '#contract/error.ts';
import type { GoingOn } from '../runner-io.ts';
import { cliError } from './errors.ts';
import type { StopSignalName } from './signals.ts';

/** What the parent has seen of the film's process by its end. */
export interface Watched {
  /** The exit code that belongs to the result, if the process has recorded one. */
  readonly told: number | undefined;
  /** How it ended. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The signal that told it to stop, and the one that was the second. */
  readonly asked: StopSignalName | undefined;
  readonly askedAgain: StopSignalName | undefined;
  /** The parent ended it because it did not stop in time. */
  readonly isLate: boolean;
  readonly isOutOfMemory: boolean;
  readonly framesReady: number;
  readonly framesTotal: number;
  /** The newest checkpoint that it has told of. */
  readonly goingOn: GoingOn | undefined;
}

type FramesSeen = Pick<Watched, 'framesReady' | 'framesTotal'>;

/** What the parent has to do: end with the code that was told, or say in the process's place how it ended. */
export type Ending =
  | { readonly kind: 'told'; readonly exitCode: number }
  | {
      readonly kind: 'untold';
      readonly outcome: 'failed' | 'stopped';
      readonly error: CodedError;
      readonly warnings: readonly string[];
    };

/** Ends of a process that its own native code causes. */
const CRASHES = new Set<NodeJS.Signals>(['SIGSEGV', 'SIGILL', 'SIGABRT', 'SIGFPE', 'SIGTRAP', 'SIGSYS']);

/** Decides how a film's process ended. A result that was recorded stands, whatever came after it. */
export function endingOf(watched: Watched): Ending {
  const { told, asked } = watched;
  if (told !== undefined) return { kind: 'told', exitCode: told };
  if (asked !== undefined) return stopped(watched, asked);
  const warnings = watched.goingOn === undefined ? [] : [describeGoingOn(watched.goingOn)];
  return { kind: 'untold', outcome: 'failed', error: failure(watched), warnings };
}

function stopped(watched: Watched, asked: StopSignalName): Ending {
  const { askedAgain, goingOn } = watched;
  const error =
    askedAgain !== undefined && goingOn === undefined
      ? atOnce(askedAgain, watched)
      : interruption(asked, watched, goingOn);
  return { kind: 'untold', outcome: 'stopped', error, warnings: stopWarnings(watched, asked) };
}

/** What the error does not say of a stop. */
function stopWarnings({ askedAgain, goingOn, isLate, signal }: Watched, asked: StopSignalName): readonly string[] {
  if (isLate) return ['the run did not stop in time and was ended'];
  if (askedAgain !== undefined) {
    return goingOn === undefined ? [] : [`a second signal (${askedAgain}) ended the run at once`];
  }
  if (signal === null || signal === asked) return [];
  return [`the run ended by ${signal} while it was stopping (please report it)`];
}

function atOnce(signal: StopSignalName, seen: FramesSeen): CodedError {
  const code = signal === 'SIGTERM' ? 'E_STOPPED_AT_ONCE' : 'E_INTERRUPTED_AT_ONCE';
  return cliError(code, { signal, when: whenOf(seen) });
}

/** The error of a run that a signal has stopped. What can be gone on with has the code that says so, whoever has asked for the stop. */
export function interruption(signal: StopSignalName, seen: FramesSeen, goingOn: GoingOn | undefined): CodedError {
  const code = signal === 'SIGTERM' || goingOn !== undefined ? 'E_STOPPED' : 'E_INTERRUPTED';
  const goesOn = goingOn === undefined ? '' : `; ${describeGoingOn(goingOn)}`;
  return cliError(code, { signal, when: `${whenOf(seen)}${goesOn}` });
}

/** Where a film goes on, for whoever may start it again. */
export function describeGoingOn({ iteration, of }: GoingOn): string {
  return `started again, it goes on after iteration ${iteration} of ${of}`;
}

function failure(watched: Watched): CodedError {
  const { signal, code, isOutOfMemory } = watched;
  const when = whenOf(watched);
  if (signal === null) return cliError('E_ENDED', { code: code ?? 'unknown', when });
  if (signal === 'SIGKILL' && isOutOfMemory) return cliError('E_OUT_OF_MEMORY', { when });
  if (signal === 'SIGBUS') return cliError('E_FILE_LOST', { signal, when });
  return cliError(CRASHES.has(signal) ? 'E_CRASHED' : 'E_KILLED', { signal, when });
}

/** How far a film was, as the end of a sentence. */
function whenOf({ framesReady, framesTotal }: FramesSeen): string {
  return framesTotal === 0 ? 'before the film was planned' : `after ${framesReady} of ${framesTotal} frames`;
}
