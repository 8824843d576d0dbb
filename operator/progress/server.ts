import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { DELETED_FILMS_PATH, filmsAskedSchema } from '#contract/deleted-films.ts';
import { progressSchema } from '#contract/progress.ts';
import { createBucket } from '../kube/rate-limit.ts';
import { guarded, harden, pathOfTarget, SERVER_OPTIONS } from '../listen/harden.ts';
import { senderOf } from '../listen/sender.ts';
import type { Authenticate } from './authenticate.ts';
import type { DeletedFilms } from './deleted-films.ts';
import type { Inbox } from './inbox.ts';
import { createLimits, createPlaces, type Limits, type Places } from './limits.ts';

/** Path to which runners post their records. */
export const PROGRESS_PATH = '/v1/progress';

/** Answers to a report or a question; each is an HTTP status. Runners try again after 429 and 503. */
export const ANSWERS = {
  told: 200,
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
  /** Namespace of a pod that is current. */
  readonly namespaceOf: (podUid: string) => string | undefined;
  readonly deletedFilms: DeletedFilms;
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
/** Questions of one pod, each of which may be many calls to the API server; a runner has one at its start. */
const QUESTIONS = { perSecond: 0.2, burst: 20 } as const;
/** Bodies that are read at the same time, waiting, and of one pod: what they hold in memory. */
const BODIES = { reading: 64, waiting: 64, ofOnePod: 2 } as const;
/** Questions that are answered at the same time, waiting, and of one pod: whatever they wait for, reports go on. */
const ANSWERING = { running: 4, waiting: 64, ofOnePod: 1 } as const;
/** A question is answered as far as that is known by then. */
const ANSWER_WITHIN_MS = 20_000;

interface Context extends ProgressServerOptions {
  readonly reports: Limits;
  readonly questions: Limits;
  readonly bodies: Places;
  readonly answering: Places;
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
    questions: createLimits(QUESTIONS.perSecond, QUESTIONS.burst, nowMs),
    bodies: createPlaces(BODIES.reading, BODIES.waiting, BODIES.ofOnePod),
    answering: createPlaces(ANSWERING.running, ANSWERING.waiting, ANSWERING.ofOnePod),
  };
  const listener = guarded(async (request, response) => {
    const taken = await take(request, context);
    const { answer, body } = typeof taken === 'string' ? { answer: taken } : taken;
    options.measure?.(answer);
    reply(response, answer, body);
  }, warn);
  const secure = { key: tls.key, cert: tls.cert, minVersion: 'TLSv1.2' as const, handshakeTimeout: HANDSHAKE_MS };
  return harden(createServer({ ...SERVER_OPTIONS, ...secure }, listener), {
    keepAliveMs: KEEP_ALIVE_MS,
    ofOne: CONNECTIONS_OF_ONE,
  });
}

/** An answer, and what is told with it. */
type Taken = Answer | { readonly answer: 'told'; readonly body: object };

/** What is posted to a path, how often a pod may do that, and what becomes of it. */
interface Door {
  readonly limits: (context: Context) => Limits;
  readonly open: (body: unknown, podUid: string, context: Context) => Taken | Promise<Taken>;
}

const DOORS: ReadonlyMap<string, Door> = new Map([
  [PROGRESS_PATH, { limits: ({ reports }) => reports, open: takeReport }],
  [DELETED_FILMS_PATH, { limits: ({ questions }) => questions, open: takeQuestion }],
]);

async function take(request: IncomingMessage, context: Context): Promise<Taken> {
  const door = DOORS.get(pathOfTarget(request.url) ?? '');
  if (door === undefined) return 'notFound';
  if (request.method !== 'POST') return 'notAllowed';
  if (!context.isLeading()) return 'notLeading';
  const token = /^Bearer ([^\s]+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return 'unauthenticated';
  const verdict = await authenticated(token, senderOf(request.socket.remoteAddress), context);
  if (typeof verdict === 'string') return verdict;
  if (!context.isCurrent(verdict.podUid)) return 'notCurrent';
  if (door.limits(context).take(verdict.podUid) > 0) return 'limited';
  const reading = context.bodies.run(verdict.podUid, () => readBody(request).catch(() => ''));
  if (reading === undefined) return 'busy';
  const body = await reading;
  if (body === undefined) return 'tooLarge';
  // The pod may have ended, and this replica may have stopped leading, while its report came in.
  if (!context.isLeading()) return 'notLeading';
  if (!context.isCurrent(verdict.podUid)) return 'notCurrent';
  return door.open(parseJson(body), verdict.podUid, context);
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

function takeReport(body: unknown, podUid: string, { inbox }: Context): Taken {
  const record = progressSchema.safeParse(body);
  if (!record.success) return 'malformed';
  inbox.receive(podUid, record.data);
  return 'taken';
}

async function takeQuestion(body: unknown, podUid: string, context: Context): Promise<Taken> {
  const asked = filmsAskedSchema.safeParse(body);
  if (!asked.success) return 'malformed';
  const namespace = context.namespaceOf(podUid);
  if (namespace === undefined) return 'notCurrent';
  const inTime = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const answering = context.answering.run(podUid, () => context.deletedFilms(namespace, asked.data.films, inTime));
  return answering === undefined ? 'busy' : { answer: 'told', body: await answering };
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

function reply(response: ServerResponse, answer: Answer, body: object | undefined): void {
  const content = body === undefined ? {} : { 'content-type': 'application/json' };
  response.writeHead(ANSWERS[answer], { ...HEADERS[answer], ...content });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
