import { toErrorRecord } from '#contract/error.ts';
import { type Film, filmSchema } from '#contract/result.ts';
import { digestOf } from '../store/digest.ts';
import type { Store } from '../store/store.ts';
import { differences, RECORD_FILE } from './record.ts';
import { FILM_FILE, readRecord } from './survey.ts';

/**
 * The finished film of an earlier attempt at the same film, if one of the stores holds it: its attempt ended well and nobody came to
 * know, since its pod was gone before anybody had read the result. `of` is what decides the film's bytes (`filmIdentity`). A film
 * whose bytes are not those of its record is passed over, and so is a store that cannot be read, which `warn` says.
 */
export async function earlierFilm(
  stores: readonly Store[],
  of: unknown,
  warn: (text: string) => void,
): Promise<Film | undefined> {
  for (const store of stores) {
    try {
      const film = await finishedIn(store, of);
      if (film !== undefined) return film;
    } catch (error) {
      warn(`the folder of an earlier attempt cannot be read: ${toErrorRecord(error).message}`);
    }
  }
  return undefined;
}

async function finishedIn(store: Store, of: unknown): Promise<Film | undefined> {
  if (typeof (await store.look(RECORD_FILE)) === 'string') return undefined;
  const record = await readRecord(store);
  if (record === undefined || record.publishing === true) return undefined;
  const parsed = filmSchema.safeParse(record.film);
  if (!parsed.success || parsed.data.file !== FILM_FILE) return undefined;
  // Where it lies is where it was found, whatever the record says.
  const film = { ...parsed.data, location: `${store.location}/${FILM_FILE}` };
  if (differences(record.of, JSON.parse(JSON.stringify(of))).length > 0) return undefined;
  const entry = await store.look(film.file);
  if (typeof entry === 'string' || entry.bytes !== film.bytes) return undefined;
  return (await digestOf(store, film.file)) === film.sha256 ? film : undefined;
}
