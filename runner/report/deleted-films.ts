import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { DELETED_FILMS_PATH, deletedFilmsSchema, type FilmFolder, MOST_FILMS_ASKED } from '#contract/deleted-films.ts';
import { type PushTarget, post } from './post.ts';

const TIMEOUT_MILLISECONDS = 30_000;
/** The operator may not have seen this pod yet, or be somewhere else for a moment. */
const TRIES = 5;
const RETRY_MILLISECONDS = 3000;

interface Asking {
  readonly signal: AbortSignal;
  readonly retryMilliseconds?: number;
}

/** Asks the operator which films are deleted. One of before it knew the question tells of none. Rejects where it gives no answer. */
export async function askDeletedFilms(
  target: PushTarget,
  films: readonly FilmFolder[],
  asking: Asking,
): Promise<readonly FilmFolder[]> {
  const deleted: FilmFolder[] = [];
  for (let first = 0; first < films.length; first += MOST_FILMS_ASKED)
    deleted.push(...(await askUntilTold(target, films.slice(first, first + MOST_FILMS_ASKED), asking)));
  return deleted;
}

async function askUntilTold(
  target: PushTarget,
  films: readonly FilmFolder[],
  { signal, retryMilliseconds = RETRY_MILLISECONDS }: Asking,
): Promise<readonly FilmFolder[]> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask(target, films, signal).catch((error: Error) => error);
    signal.throwIfAborted();
    if (!(answer instanceof Error)) {
      if (answer.status === 200) return deletedFilmsSchema.parse(JSON.parse(answer.text)).deleted;
      if (answer.status === 404) return [];
    }
    if (tries === TRIES) {
      const reason = answer instanceof Error ? answer.message : `it answered ${answer.status}`;
      throw new Error(`the operator does not say which films are deleted: ${reason}`);
    }
    await sleep(retryMilliseconds, undefined, { signal });
  }
}

async function ask({ url, tokenFile, caFile }: PushTarget, films: readonly FilmFolder[], signal: AbortSignal) {
  // One that is closed after its answer: the next question, if there is one, may find another replica.
  const agent = new Agent({ ca: readFileSync(caFile) });
  const posting = { agent, timeoutMilliseconds: TIMEOUT_MILLISECONDS, signal };
  return post(new URL(DELETED_FILMS_PATH, url), tokenFile, { films }, posting);
}

/**
 * An identity of the namespace of the cluster that a pod is in: that of its service account, which its token tells. Undefined where the
 * token is none of Kubernetes'.
 */
export function realmOf(tokenFile: string): string | undefined {
  try {
    const payload = readFileSync(tokenFile, 'utf8').trim().split('.')[1] ?? '';
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
    const { namespace, serviceaccount } = claims['kubernetes.io'] ?? {};
    const uid = serviceaccount?.uid;
    return typeof namespace === 'string' && typeof uid === 'string' && uid !== '' ? `${namespace}/${uid}` : undefined;
  } catch {
    return undefined;
  }
}

interface Claims {
  readonly 'kubernetes.io'?: { readonly namespace?: unknown; readonly serviceaccount?: { readonly uid?: unknown } };
}
