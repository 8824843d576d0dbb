import type { Store } from '../store/store.ts';
import { diskNeed, type ExpectedFilm, judgeDisk, sizeText } from './disk-need.ts';
import { outputError } from './errors.ts';

/**
 * Whether a store has room for a film, before anything is made: a warning where there is less than films usually take. Throws
 * `E_OUTPUT_ROOM` where not even a film of one colour fits.
 */
export async function roomWarnings(store: Store, film: ExpectedFilm): Promise<readonly string[]> {
  const need = diskNeed(film);
  const free = await store.freeBytes();
  const verdict = judgeDisk(need, free);
  if (verdict === 'enough') return [];
  const texts = { likely: sizeText(need.likely), least: sizeText(need.least), free: sizeText(free ?? 0) };
  if (verdict === 'impossible') throw outputError('E_OUTPUT_ROOM', { path: store.location, ...texts });
  return [`the film may not fit into ${store.location}: it needs about ${texts.likely}, and ${texts.free} are free`];
}
