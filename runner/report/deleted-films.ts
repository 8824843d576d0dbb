import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DELETED_FILMS_PATH,
  type DeletedFilmsAnswer,
  deletedFilmsSchema,
  type FilmFolder,
  MOST_FILMS_ASKED,
} from '#contract/deleted-films.ts';
import { type PushTarget, post } from './post.ts';

const TIMEOUT_MILLISECONDS = 30_000;
/**
 * The operator may not have seen this pod yet, another replica of it may have answered, or it is away: it is asked again, twice as long after
 * each time. A new question soon finds the replica that leads; an operator that is away is not asked all the time.
 */
const FIRST_RETRY_MILLISECONDS = 250;
const RETRY_LIMIT_MILLISECONDS = 60_000;

interface Asking {
  /** Ends the asking. */
  readonly signal: AbortSignal;
  readonly firstRetryMilliseconds?: number;
}

/**
 * Asks the operator which films are deleted, and gives those of each answer, until each film is told of or the asking is ended: then it rejects
 * with what is missing. One of before it knew the question tells of none.
 */
export async function* askDeletedFilms(
  target: PushTarget,
  films: readonly FilmFolder[],
  { signal, firstRetryMilliseconds = FIRST_RETRY_MILLISECONDS }: Asking,
): AsyncGenerator<readonly FilmFolder[]> {
  let asked = films;
  let missing = 'it was not asked in time';
  for (let wait = firstRetryMilliseconds; !signal.aborted; wait = Math.min(2 * wait, RETRY_LIMIT_MILLISECONDS)) {
    const again: FilmFolder[] = [];
    for (let first = 0; first < asked.length; first += MOST_FILMS_ASKED) {
      const { deleted, unknown, problem } = await ask(target, asked.slice(first, first + MOST_FILMS_ASKED), signal);
      yield deleted;
      again.push(...unknown);
      if (!signal.aborted) missing = problem;
    }
    if (again.length === 0) return;
    asked = again;
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }
  throw new Error(`the operator does not say which films are deleted: ${missing}`);
}

/** Where it gives no answer, of none can be told. */
async function ask(
  { url, tokenFile, caFile }: PushTarget,
  films: readonly FilmFolder[],
  signal: AbortSignal,
): Promise<DeletedFilmsAnswer & { readonly problem: string }> {
  try {
    // A connection that is closed after its answer: the next question may find another replica.
    const agent = new Agent({ ca: readFileSync(caFile) });
    const posting = { agent, timeoutMilliseconds: TIMEOUT_MILLISECONDS, signal };
    const { status, text } = await post(new URL(DELETED_FILMS_PATH, url), tokenFile, { films }, posting);
    if (status === 404) return { deleted: [], unknown: [], problem: '' };
    if (status !== 200) throw new Error(`it answered ${status}`);
    return { ...deletedFilmsSchema.parse(JSON.parse(text)), problem: 'it cannot tell now' };
  } catch (error) {
    return { deleted: [], unknown: films, problem: (error as Error).message };
  }
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
