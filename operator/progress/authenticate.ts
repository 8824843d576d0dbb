import { createHash } from 'node:crypto';
import { PROGRESS_AUDIENCE } from '../api/labels.ts';
import type { KubeClient } from '../kube/client.ts';
import { pathOf, TOKEN_REVIEWS } from '../kube/resource.ts';
import { type Claims, type PodName, readClaims } from './claims.ts';
import { createLimits, createPlaces } from './limits.ts';

/** Whose token it is, or why that is not told. */
export type Verdict =
  | { readonly podUid: string }
  /** Not a token of ours. */
  | 'refused'
  /** Perhaps a token of ours, but of no pod that is at work now. */
  | 'stranger'
  /** This sender has asked too often. */
  | 'limited'
  /** Too many ask at once. */
  | 'busy';

/** Judges the token that a sender at this address shows. Rejects if the API server could not tell. */
export type Authenticate = (token: string, sender: string) => Promise<Verdict>;

export interface AuthenticateOptions {
  /** Better one of its own: reviews wait for each other, and nothing else shall wait for them. */
  readonly client: KubeClient;
  /** The pod of this uid, if it is one whose reports are taken now. */
  readonly podOf: (uid: string) => Pick<PodName, 'namespace' | 'name'> | undefined;
  /** Any clock that only goes forward: no time of day is asked for. */
  readonly nowMs?: () => number;
}

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly audiences?: readonly string[];
    readonly user?: { readonly extra?: Readonly<Record<string, readonly string[]>> };
  };
}

const POD_UID = 'authentication.kubernetes.io/pod-uid';
/**
 * A good token is reviewed again this long after its review, or its own life after it where that is shorter; whether its pod is
 * still at work is looked up at each report.
 */
const GOOD_MS = 600_000;
const GOOD_TOKENS = 16_384;
const BAD_MS = 60_000;
const BAD_TOKENS = 4096;
/**
 * Tokens to be reviewed, of one address: so many at once, then so many a second. Runners may share an address (a mesh, a network
 * that changes addresses), so each pod has its own part of that: forged tokens of one pod leave the others' part alone.
 */
const OF_ADDRESS = { perSecond: 10, burst: 100 } as const;
const OF_POD_AT_ADDRESS = { perSecond: 1, burst: 10 } as const;
/** Reviews under way, waiting, and of one sender about one pod: so nobody can keep a pod's own token from being reviewed. */
const REVIEWS = { running: 8, waiting: 64, ofOneSender: 2 } as const;

/**
 * Makes the judge of tokens. Good tokens are remembered apart from bad ones, so that no flood of bad ones pushes them out.
 * A token that nobody has seen before becomes a review at the API server only if its own claims name a pod that is at work
 * now, its sender has not asked too often, and not too many wait: so what a stranger sends costs the API server nothing, and
 * what somebody who knows a pod's uid sends costs it little. What is refused for its claims takes nothing from anybody and
 * leaves nothing behind: runners at the address of whoever sends it are heard all the same.
 */
export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  const { client, podOf, nowMs = () => performance.now() } = options;
  const good = createMemory<string>(GOOD_TOKENS, nowMs);
  const bad = createMemory<true>(BAD_TOKENS, nowMs);
  const underWay = new Map<string, Promise<Verdict>>();
  const ofAddress = createLimits(OF_ADDRESS.perSecond, OF_ADDRESS.burst, nowMs);
  const ofPodAtAddress = createLimits(OF_POD_AT_ADDRESS.perSecond, OF_POD_AT_ADDRESS.burst, nowMs);
  const places = createPlaces(REVIEWS.running, REVIEWS.waiting, REVIEWS.ofOneSender);

  const isAtWork = ({ uid, namespace, name }: PodName) => {
    const known = podOf(uid);
    return known?.namespace === namespace && known.name === name;
  };

  const judge = async (key: string, token: string, { pod, lifeMs }: Claims): Promise<Verdict> => {
    const podUid = await review(client, token);
    if (podUid === pod.uid) {
      good.keep(key, podUid, Math.min(GOOD_MS, lifeMs));
      return { podUid };
    }
    bad.keep(key, true, BAD_MS);
    return 'refused';
  };

  return async (token, sender) => {
    const key = createHash('sha256').update(token).digest('base64');
    const podUid = good.get(key);
    if (podUid !== undefined) return { podUid };
    if (bad.get(key) === true) return 'refused';
    const same = underWay.get(key);
    if (same !== undefined) return same;
    const claims = readClaims(token);
    if (claims === undefined) return 'refused';
    if (!isAtWork(claims.pod)) return 'stranger';
    const pair = `${sender} ${claims.pod.uid}`;
    if (ofPodAtAddress.take(pair) > 0 || ofAddress.take(sender) > 0) return 'limited';
    const verdict = places.run(pair, () => judge(key, token, claims));
    if (verdict === undefined) return 'busy';
    underWay.set(key, verdict);
    return verdict.finally(() => underWay.delete(key));
  };
}

/** Remembers values for a time; of too many, those that were kept first are forgotten. */
function createMemory<T>(most: number, nowMs: () => number) {
  const kept = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    get(key: string): T | undefined {
      const found = kept.get(key);
      if (found !== undefined && found.until > nowMs()) return found.value;
      kept.delete(key);
      return undefined;
    },
    keep(key: string, value: T, forMs: number): void {
      kept.delete(key);
      const [oldest] = kept.keys();
      if (kept.size >= most && oldest !== undefined) kept.delete(oldest);
      kept.set(key, { value, until: nowMs() + forMs });
    },
  };
}

/** The pod that the API server says a token was given to for our audience. */
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
