import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { progressSchema } from '#contract/progress.ts';
import { createBucket } from '../kube/rate-limit.ts';
import { guarded, harden, pathOfTarget, SERVER_OPTIONS } from '../listen/harden.ts';
import { senderOf } from '../listen/sender.ts';
import type { Authenticate } from './authenticate.ts';
import type { Inbox } from './inbox.ts';
import { createLimits, createPlaces, type Limits, type Places } from './limits.ts';

/** Path to which runners post their records. */
export const PROGRESS_PATH = '/v1/progress';

/** Answers to a report; each is an HTTP status. Runners try again after 429 and 503. */
export const ANSWERS = {
  taken: 204,
  malformed: 400,
  unauthenticated: 401,
  notCurrent: 403,
  notFound: 404,
  notAllowed: 405,
  tooLarge: 413,
  limited: 429,
  busy: 503,
  notLeading: 503,
} as const;
export type Answer = keyof typeof ANSWERS;

/** Seconds after which a runner may try again; a closed connection lets the next try find another replica. */
const HEADERS: Readonly<Partial<Record<Answer, Readonly<Record<string, string>>>>> = {
  notFound: { connection: 'close' },
  notAllowed: { connection: 'close' },
  tooLarge: { connection: 'close' },
  limited: { 'retry-after': '2' },
  busy: { 'retry-after': '2' },
  notLeading: { 'retry-after': '5', connection: 'close' },
};

export interface ProgressServerOptions {
  readonly authenticate: Authenticate;
  readonly inbox: Inbox;
  /** Whether the pod is the one now at work for its resource: reports of all others are refused. */
  readonly isCurrent: (podUid: string) => boolean;
  /** Only the leader keeps an inbox that anybody reads. */
  readonly isLeading: () => boolean;
  readonly measure?: (answer: Answer) => void;
  readonly warn?: (message: string) => void;
}

const BODY_LIMIT_BYTES = 256 * 1024;
/** Runners report every second or so, and keep their connection. */
const KEEP_ALIVE_MS = 75_000;
/** All runners may come from one address, where the network changes addresses. */
const CONNECTIONS_OF_ONE = 256;
const HANDSHAKE_MS = 10_000;
/** Reports of one pod: some at once, then so many a second. */
const REPORTS = { perSecond: 5, burst: 30 } as const;
/** Bodies that are read at the same time, waiting, and of one pod: what they hold in memory. */
const BODIES = { reading: 64, waiting: 64, ofOnePod: 2 } as const;

interface Context extends ProgressServerOptions {
  readonly reports: Limits;
  readonly bodies: Places;
}

/** Makes the HTTPS server that takes progress records; the caller listens and closes. */
export function createProgressServer(
  tls: { readonly key: string; readonly cert: string },
  options: ProgressServerOptions,
): Server {
  const nowMs = () => performance.now();
  // A flood of reports that fail must not become a flood of log lines.
  const lines = createBucket(1, 10, nowMs);
  const warn = (message: string) => {
    if (lines.take()) options.warn?.(`progress: ${message}`);
  };
  const context: Context = {
    ...options,
    warn,
    reports: createLimits(REPORTS.perSecond, REPORTS.burst, nowMs),
    bodies: createPlaces(BODIES.reading, BODIES.waiting, BODIES.ofOnePod),
  };
  const listener = guarded(async (request, response) => {
    const answer = await take(request, context);
    options.measure?.(answer);
    reply(response, answer);
  }, warn);
  const secure = { key: tls.key, cert: tls.cert, minVersion: 'TLSv1.2' as const, handshakeTimeout: HANDSHAKE_MS };
  return harden(createServer({ ...SERVER_OPTIONS, ...secure }, listener), {
    keepAliveMs: KEEP_ALIVE_MS,
    ofOne: CONNECTIONS_OF_ONE,
  });
}

async function take(request: IncomingMessage, context: Context): Promise<Answer> {
  if (pathOfTarget(request.url) !== PROGRESS_PATH) return 'notFound';
  if (request.method !== 'POST') return 'notAllowed';
  if (!context.isLeading()) return 'notLeading';
  const token = /^Bearer ([^\s]+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return 'unauthenticated';
  const verdict = await authenticated(token, senderOf(request.socket.remoteAddress), context);
  if (typeof verdict === 'string') return verdict;
  if (!context.isCurrent(verdict.podUid)) return 'notCurrent';
  if (context.reports.take(verdict.podUid) > 0) return 'limited';
  return context.bodies.run(verdict.podUid, () => takeBody(request, verdict.podUid, context)) ?? 'busy';
}

async function authenticated(
  token: string,
  sender: string,
  { authenticate, warn }: Context,
): Promise<Answer | { readonly podUid: string }> {
  try {
    const verdict = await authenticate(token, sender);
    if (verdict === 'refused') return 'unauthenticated';
    return verdict === 'stranger' ? 'notCurrent' : verdict;
  } catch (error) {
    warn?.((error as Error).message);
    return 'busy';
  }
}

async function takeBody(request: IncomingMessage, podUid: string, context: Context): Promise<Answer> {
  const body = await readBody(request).catch(() => '');
  if (body === undefined) return 'tooLarge';
  // The pod may have ended, and this replica may have stopped leading, while its report came in.
  if (!context.isLeading()) return 'notLeading';
  if (!context.isCurrent(podUid)) return 'notCurrent';
  const record = progressSchema.safeParse(parseJson(body));
  if (!record.success) return 'malformed';
  context.inbox.receive(podUid, record.data);
  return 'taken';
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_LIMIT_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function reply(response: ServerResponse, answer: Answer): void {
  response.writeHead(ANSWERS[answer], HEADERS[answer] ?? {}).end();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
