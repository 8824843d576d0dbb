import { createHash } from 'node:crypto';
import { PROGRESS_AUDIENCE } from '../api/labels.ts';
import type { KubeClient } from '../kube/client.ts';
import { pathOf, TOKEN_REVIEWS } from '../kube/resource.ts';

/** Tells which pod a token was given to; undefined if the token is not good. */
export type Authenticate = (token: string) => Promise<string | undefined>;

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly audiences?: readonly string[];
    readonly user?: { readonly extra?: Readonly<Record<string, readonly string[]>> };
  };
}

/** A verdict is kept this long, good or bad, so that a runner's reports do not become reviews one by one. */
const KEPT_MS = 60_000;
const KEPT_TOKENS = 4096;
const POD_UID = 'authentication.kubernetes.io/pod-uid';

interface Kept {
  readonly podUid: Promise<string | undefined>;
  readonly until: number;
}

/** Reviews tokens at the API server. Only tokens of our own audience that are bound to a pod are good. */
export function createAuthenticate(client: KubeClient, nowMs: () => number = () => performance.now()): Authenticate {
  const kept = new Map<string, Kept>();
  return (token) => {
    const key = createHash('sha256').update(token).digest('base64');
    const known = kept.get(key);
    if (known !== undefined && known.until > nowMs()) return known.podUid;
    kept.delete(key);
    const podUid = review(client, token);
    const [oldest] = kept.keys();
    if (kept.size >= KEPT_TOKENS && oldest !== undefined) kept.delete(oldest);
    kept.set(key, { podUid, until: nowMs() + KEPT_MS });
    podUid.catch(() => kept.delete(key));
    return podUid;
  };
}

async function review(client: KubeClient, token: string): Promise<string | undefined> {
  const { status } = await client.call<TokenReview>({
    method: 'POST',
    path: pathOf(TOKEN_REVIEWS),
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [PROGRESS_AUDIENCE] },
    },
  });
  if (status?.authenticated !== true || status.audiences?.includes(PROGRESS_AUDIENCE) !== true) return undefined;
  return status.user?.extra?.[POD_UID]?.[0];
}
