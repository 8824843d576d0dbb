import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives back what this thread's objects left behind while it loaded. The engine collects by what is allocated, not by what there is to
 * gain: a thread that has loaded much and then allocates little keeps large rooms for young objects, and goes on touching their
 * pages, one after another, for minutes. A longer film would take more memory for it than a short one.
 */
export function collectLoadingGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
