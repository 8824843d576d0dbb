import { z } from 'zod';
import { PROGRESS_AUDIENCE } from '../api/labels.ts';

/** A pod as a token or a cache names it. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What a token says of itself. Nobody has checked its signature: it can only speak against the token. */
export interface Claims {
  readonly pod: PodName;
  /** Unix time in milliseconds. */
  readonly expiresAt: number;
}

/** Tokens of a pod are about 1 KiB. */
const TOKEN_CHARACTERS = 8192;
/** The API server's clock is not ours; the review has the last word. */
const SKEW_MS = 60_000;

const name = z.string().min(1).max(253);
const payload = z.object({
  // Which issuer is the right one only the API server knows: it may have had others before.
  iss: z.string().min(1).max(1024),
  sub: z.string().max(600),
  aud: z.array(z.string()).max(16),
  exp: z.number().min(0).max(1e11),
  'kubernetes.io': z.object({
    namespace: name,
    pod: z.object({ name, uid: name }),
    serviceaccount: z.object({ name }),
  }),
});

/**
 * The claims of a token that can be one of ours: a JSON Web Token of our audience that has not expired, given to a service
 * account for a pod. Undefined for everything else.
 */
export function readClaims(token: string, nowMs: number): Claims | undefined {
  if (token.length > TOKEN_CHARACTERS) return undefined;
  const parts = token.split('.');
  if (parts.length !== 3 || parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) return undefined;
  const parsed = payload.safeParse(parseJson(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8')));
  if (!parsed.success) return undefined;
  const { sub, aud, exp, 'kubernetes.io': bound } = parsed.data;
  const expiresAt = exp * 1000;
  if (!aud.includes(PROGRESS_AUDIENCE) || expiresAt < nowMs - SKEW_MS) return undefined;
  if (sub !== `system:serviceaccount:${bound.namespace}:${bound.serviceaccount.name}`) return undefined;
  return { pod: { namespace: bound.namespace, name: bound.pod.name, uid: bound.pod.uid }, expiresAt };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
