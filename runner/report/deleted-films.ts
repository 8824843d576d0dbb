import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { DELETED_FILMS_PATH, deletedFilmsSchema, type FilmFolder, MOST_FILMS_ASKED } from '#contract/deleted-films.ts';
import type { PushTarget } from './push.ts';

const TIMEOUT_MILLISECONDS = 30_000;
/** The operator may not have seen this pod yet, or be somewhere else for a moment. */
const TRIES = 5;
const RETRY_MILLISECONDS = 3000;
const ANSWER_BYTES = 1 << 16;

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

function ask(
  { url, tokenFile, caFile }: PushTarget,
  films: readonly FilmFolder[],
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ films });
    const call = request(
      new URL(DELETED_FILMS_PATH, url),
      {
        method: 'POST',
        ca: readFileSync(caFile),
        agent: false,
        timeout: TIMEOUT_MILLISECONDS,
        signal,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length > ANSWER_BYTES) call.destroy(new Error('the answer is too long'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${TIMEOUT_MILLISECONDS / 1000} s`)));
    call.on('error', reject);
    call.end(body);
  });
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
