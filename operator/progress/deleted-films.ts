import type { FilmFolder } from '#contract/deleted-films.ts';
import { KIND, VIDEO_GENERATIONS } from '../api/labels.ts';
import { pageIn } from '../kube/answer.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/resource.ts';

/** Tells which of some films of a namespace are deleted. */
export type DeletedFilms = (
  namespace: string,
  films: readonly FilmFolder[],
  signal: AbortSignal,
) => Promise<readonly FilmFolder[]>;

export interface DeletedFilmsOptions {
  readonly client: KubeClient;
  /** Uid of a film of this key (`NAMESPACE/NAME`), where a cache has it. */
  readonly uidOf: (key: string) => string | undefined;
}

/**
 * Asks which films are deleted: their checkpoints will be removed, so a cache that does not show one proves nothing, and neither does an
 * answer "not found", which anything between here and the API server may give. Only a list of the films of that name counts, which the API
 * server has made for this question: without one of that uid. What cannot be told, or not before `signal` is aborted, is not deleted.
 */
export function askDeletedFilms({ client, uidOf }: DeletedFilmsOptions): DeletedFilms {
  const isDeleted = async (namespace: string, { name, uidPart }: FilmFolder, signal: AbortSignal) => {
    if (isOf(uidPart, uidOf(`${namespace}/${name}`))) return false;
    const path = pathOf(VIDEO_GENERATIONS, { namespace });
    try {
      const query = { fieldSelector: `metadata.name=${name}` };
      const answer = await client.call<{ readonly kind?: unknown }>({ method: 'GET', path, query, signal });
      const { items } = pageIn<KubeObject>(answer, path);
      return (
        answer.kind === `${KIND}List` &&
        !items.some(({ metadata }) => metadata.name !== name || isOf(uidPart, metadata.uid))
      );
    } catch {
      return false;
    }
  };
  return async (namespace, films, signal) => {
    const deleted: FilmFolder[] = [];
    for (const film of films) {
      if (signal.aborted) break;
      if (await isDeleted(namespace, film, signal)) deleted.push(film);
    }
    return deleted;
  };
}

function isOf(uidPart: string, uid: string | undefined): boolean {
  return uid?.replaceAll('-', '').startsWith(uidPart) ?? false;
}
