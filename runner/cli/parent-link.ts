import type { GoingOn } from '../runner-io.ts';
import { isMeantOn } from '../switches.ts';

/** The line between the process that makes a film and the one that watches over it. */

/** What the film's process tells its parent. */
export type Word =
  | { readonly kind: 'progress'; readonly framesReady: number; readonly framesTotal: number }
  /** The newest checkpoint that there is to go on from, or that there is none any more. */
  | { readonly kind: 'resumable'; readonly from: GoingOn | null }
  /** The result stands where it belongs, so the exit code is decided: nothing that happens later changes it. */
  | { readonly kind: 'recorded'; readonly exitCode: number }
  /** Nothing is left to do: the process ends now, or is stuck. */
  | { readonly kind: 'over'; readonly exitCode: number };

const FILM_VERBS = new Set(['generate', 'run']);
/** Set for the child alone, never by a person. */
export const CHILD_VARIABLE = 'DUALPARAL_CHILD';

/** Whether these arguments make a film. */
export function makesFilm([verb]: readonly string[]): boolean {
  return FILM_VERBS.has(verb ?? '');
}

/** Whether these arguments are to run in a child. `DUALPARAL_NO_PARENT` says no, for a debugger. */
export function needsSupervision(args: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  return makesFilm(args) && !environment[CHILD_VARIABLE] && !isMeantOn(environment, 'DUALPARAL_NO_PARENT');
}

/** Whether a parent watches over this process. */
export function isSupervised(): boolean {
  return Boolean(process.env[CHILD_VARIABLE]) && process.send !== undefined;
}

/** Tells the parent, if there is one. Never throws: a parent that is gone hears nothing. */
export function tellParent(word: Word): void {
  if (isSupervised() && process.connected) process.send?.(word, undefined, undefined, () => undefined);
}

/** Calls `then` when the parent is gone. Waiting for that does not keep this process alive. */
export function onParentGone(then: () => void): void {
  if (!isSupervised()) return;
  if (!process.connected) then();
  process.once('disconnect', then);
  process.channel?.unref();
}
