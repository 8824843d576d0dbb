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
  /** From when it was issued to its end, in milliseconds: a length, so no clock of ours is asked. */
  readonly lifeMs: number;
}

/** Tokens of a pod are about 1 KiB. */
const TOKEN_CHARACTERS = 8192;

/** Objects and lists in a token's claims: the API server writes about six. Thousands of them, one in another, are dear to read. */
const OPENINGS = 64;

const name = z.string().min(1).max(253);
const seconds = z.number().min(0).max(1e11);
const payload = z.object({
  // Which issuer is the right one only the API server knows: it may have had others before.
  iss: z.string().min(1).max(1024),
  sub: z.string().max(600),
  aud: z.array(z.string()).max(16),
  exp: seconds,
  // The API server writes it into each of its tokens; where it is missing, the life is as good as endless.
  iat: seconds.default(0),
  'kubernetes.io': z.object({
    namespace: name,
    pod: z.object({ name, uid: name }),
    serviceaccount: z.object({ name }),
  }),
});

/**
 * The claims of a token that can be one of ours: a JSON Web Token of our audience, given to a service account for a pod.
 * Undefined for everything else. Whether it has begun and not yet ended only the API server tells: our clock may be hours off.
 */
export function readClaims(token: string): Claims | undefined {
  if (token.length > TOKEN_CHARACTERS) return undefined;
  const parts = token.split('.');
  if (parts.length !== 3 || parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) return undefined;
  const text = Buffer.from(parts[1] ?? '', 'base64url').toString('utf8');
  if (text.split(/[[{]/, OPENINGS + 1).length > OPENINGS) return undefined;
  const parsed = payload.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const { sub, aud, exp, iat, 'kubernetes.io': bound } = parsed.data;
  if (!aud.includes(PROGRESS_AUDIENCE) || exp <= iat) return undefined;
  if (sub !== `system:serviceaccount:${bound.namespace}:${bound.serviceaccount.name}`) return undefined;
  return { pod: { namespace: bound.namespace, name: bound.pod.name, uid: bound.pod.uid }, lifeMs: (exp - iat) * 1000 };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
