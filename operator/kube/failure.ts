import { defineErrors } from '#contract/error.ts';

/**
 * What an answer of the API server means for the caller: `retry` may succeed by itself later; `conflict` needs a fresh
 * read; `exists` and `missing` speak of the object; `expired` of a version too old to go on from; `terminating` of a
 * namespace that is going away; `forbidden` and `invalid` need a person; `closed` says that nothing was sent, since this process
 * may not write any more.
 */
export type FailureKind =
  | 'retry'
  | 'conflict'
  | 'exists'
  | 'missing'
  | 'expired'
  | 'terminating'
  | 'forbidden'
  | 'invalid'
  | 'closed';

/** `status` is 0 where no answer came. */
export interface Failure {
  readonly kind: FailureKind;
  readonly status: number;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** The `Status` object that the API server answers with. */
export interface StatusBody {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number; readonly causes?: readonly { readonly reason?: string }[] };
}

/** A call that did not succeed. */
export class ApiError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, cause?: unknown) {
    super(failure.message, cause === undefined ? undefined : { cause });
    this.name = 'ApiError';
    this.failure = failure;
  }
}

export const kubeError = defineErrors({
  E_KUBE_CONFIG: {
    message: 'no Kubernetes cluster is configured ({detail}): set KUBECONFIG, or run in a pod with a service account',
    fixer: 'administrator',
    exit: 'usage',
  },
  E_KUBE_CALL: {
    message: 'the API server did not do what the operator cannot go on without: {detail}',
    fixer: 'administrator',
    exit: 'internal',
  },
  E_KUBE_PROXY: {
    message: 'the kubeconfig asks for a {type} proxy, which is not supported',
    fixer: 'administrator',
    exit: 'usage',
  },
  E_KUBE_FOREIGN: {
    message: '{kind} {name} exists already and belongs to somebody else',
    fixer: 'administrator',
    exit: 'internal',
  },
});

/** No answer makes the operator wait longer than this: an absurd figure must not silence it for good. */
const LONGEST_WAIT_MS = 300_000;

/** What an answer with an error status means. `retryAfter` is the header: seconds, or a date. */
export function failureOfAnswer(
  status: number,
  body: StatusBody,
  retryAfter: string | undefined,
  call: string,
): Failure {
  const detail = body.message === undefined || body.message === '' ? (body.reason ?? 'no reason given') : body.message;
  const asked = waitOf(retryAfter ?? String(body.details?.retryAfterSeconds ?? ''));
  return {
    kind: kindOf(status, body),
    status,
    message: `${call} answered ${status}: ${detail}`,
    ...(asked > 0 ? { retryAfterMs: Math.min(asked, LONGEST_WAIT_MS) } : {}),
  };
}

/** Milliseconds that a `Retry-After` asks for; 0 for what is none. */
function waitOf(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text.trim())) return Number(text) * 1000;
  // A date has letters; a number that is none of ours would otherwise be read as a year.
  const until = /[a-z]/i.test(text) ? Date.parse(text) - Date.now() : 0;
  return Number.isNaN(until) ? 0 : until;
}

/** What any thrown value means: errors of the network count as `retry`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) return error.failure;
  const message = error instanceof Error ? error.message || error.name : String(error);
  return { kind: 'retry', status: 0, message };
}

function kindOf(status: number, body: StatusBody): FailureKind {
  if (status === 409) return body.reason === 'AlreadyExists' ? 'exists' : 'conflict';
  if (status === 404) return 'missing';
  if (status === 410) return 'expired';
  if (status === 403) {
    const leaving = body.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false;
    return leaving ? 'terminating' : 'forbidden';
  }
  if (status === 401 || status === 408 || status === 429 || status >= 500) return 'retry';
  return 'invalid';
}
