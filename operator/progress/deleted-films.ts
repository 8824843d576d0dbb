import type { DeletedFilmsAnswer, FilmFolder } from '#contract/deleted-films.ts';
import { KIND, VIDEO_GENERATIONS } from '../api/labels.ts';
import { pageIn } from '../kube/answer.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/resource.ts';

/** Tells which of some films of a namespace are deleted. */
export type DeletedFilms = (
  namespace: string,
  films: readonly FilmFolder[],
  signal: AbortSignal,
) => Promise<DeletedFilmsAnswer>;

/** What is known of a film's resource. */
type Told = 'there' | 'deleted' | 'unknown';

export interface DeletedFilmsOptions {
  readonly client: KubeClient;
  /** Uid of a film of this key (`NAMESPACE/NAME`), where a cache has it. */
  readonly uidOf: (key: string) => string | undefined;
}

/**
 * Asks which films are deleted: their checkpoints will be removed, so a cache that does not show one proves nothing, and neither does an
 * answer "not found", which anything between here and the API server may give. Only a list of the films of that name counts, which the API
 * server has made for this question: without one of that uid. What cannot be told, or not before `signal` is aborted, is unknown.
 */
export function askDeletedFilms({ client, uidOf }: DeletedFilmsOptions): DeletedFilms {
  const ask = async (namespace: string, { name, uidPart }: FilmFolder, signal: AbortSignal): Promise<Told> => {
    if (isOf(uidPart, uidOf(`${namespace}/${name}`))) return 'there';
    const path = pathOf(VIDEO_GENERATIONS, { namespace });
    try {
      const query = { fieldSelector: `metadata.name=${name}` };
      const answer = await client.call<{ readonly kind?: unknown }>({ method: 'GET', path, query, signal });
      const { items } = pageIn<KubeObject>(answer, path);
      if (answer.kind !== `${KIND}List` || items.some(({ metadata }) => metadata.name !== name)) return 'unknown';
      return items.some(({ metadata }) => isOf(uidPart, metadata.uid)) ? 'there' : 'deleted';
    } catch {
      return 'unknown';
    }
  };
  return async (namespace, films, signal) => {
    const told: Record<Told, FilmFolder[]> = { there: [], deleted: [], unknown: [] };
    for (const film of films) told[signal.aborted ? 'unknown' : await ask(namespace, film, signal)].push(film);
    return { deleted: told.deleted, unknown: told.unknown };
  };
}

function isOf(uidPart: string, uid: string | undefined): boolean {
  return uid?.replaceAll('-', '').startsWith(uidPart) ?? false;
}
