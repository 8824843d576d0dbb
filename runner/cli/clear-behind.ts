import { setTimeout as sleep } from 'node:timers/promises';
import { clearDeletedFilms } from '../clear-deleted.ts';
import { askDeletedFilms, realmOf } from '../report/deleted-films.ts';
import type { PushTarget } from '../report/post.ts';

/** What a runner clears away behind other films. */
export interface ClearBehind {
  /** Whose the checkpoints of this pod are; undefined outside a cluster. */
  readonly realm: string | undefined;
  /** Begins beside the film, which is made in `folder`. Where there is no operator to ask, nothing is cleared. */
  begin(folder: string): void;
  /** Lets it finish for a moment, unless the runner is told to stop. Never throws. */
  end(stop: AbortSignal): Promise<void>;
}

/** It may go on for so long once the film is done: a film of seconds is over before the operator knows its pod. */
const LAST_MILLISECONDS = 15_000;

export function clearBehind(
  target: PushTarget | undefined,
  { warn }: { readonly warn: (text: string) => void },
): ClearBehind {
  const realm = target === undefined ? undefined : realmOf(target.tokenFile);
  const ending = new AbortController();
  const { signal } = ending;
  let clearing: Promise<unknown> = Promise.resolve();
  return {
    realm,
    begin(own) {
      if (target === undefined || realm === undefined) return;
      const deletedOf: Parameters<typeof clearDeletedFilms>[0]['deletedOf'] = (films) =>
        askDeletedFilms(target, films, { signal });
      clearing = clearDeletedFilms({ own, realm, deletedOf, warn, signal });
    },
    async end(stop) {
      const stopped = AbortSignal.any([signal, stop]);
      const last = sleep(LAST_MILLISECONDS, undefined, { signal: stopped }).catch(() => undefined);
      await Promise.race([clearing, last]);
      ending.abort();
    },
  };
}
