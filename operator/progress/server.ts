import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { progressSchema } from '#contract/progress.ts';
import type { Authenticate } from './authenticate.ts';
import type { Inbox } from './inbox.ts';

/** Path to which runners post their records. */
export const PROGRESS_PATH = '/v1/progress';

/** Answers to a report; each is an HTTP status. */
export const ANSWERS = {
  taken: 204,
  malformed: 400,
  unauthenticated: 401,
  notCurrent: 403,
  notFound: 404,
  notAllowed: 405,
  tooLarge: 413,
  notLeading: 503,
} as const;
export type Answer = keyof typeof ANSWERS;

export interface ProgressServerOptions {
  readonly authenticate: Authenticate;
  readonly inbox: Inbox;
  /** Whether the pod is the one now at work for its resource: reports of all others are refused. */
  readonly isCurrent: (podUid: string) => boolean;
  /** Only the leader keeps an inbox that anybody reads. */
  readonly isLeading: () => boolean;
  readonly observe?: (answer: Answer) => void;
  readonly report?: (message: string) => void;
}

const BODY_LIMIT_BYTES = 256 * 1024;
const TIMEOUT_MS = 15_000;
/** Runners report every second or so, and keep their connection. */
const KEEP_ALIVE_MS = 75_000;

/** Makes the HTTPS server that takes progress records; the caller listens and closes. */
export function createProgressServer(
  tls: { readonly key: string; readonly cert: string },
  options: ProgressServerOptions,
): Server {
  const server = createServer({ key: tls.key, cert: tls.cert, minVersion: 'TLSv1.2' }, (request, response) => {
    take(request, options)
      .catch((error: unknown) => {
        options.report?.(`progress: ${(error as Error).message}`);
        return 'notLeading' as const;
      })
      .then((answer) => {
        options.observe?.(answer);
        reply(response, answer);
      });
  });
  server.requestTimeout = TIMEOUT_MS;
  server.headersTimeout = TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

async function take(request: IncomingMessage, options: ProgressServerOptions): Promise<Answer> {
  if (request.url !== PROGRESS_PATH) return 'notFound';
  if (request.method !== 'POST') return 'notAllowed';
  if (!options.isLeading()) return 'notLeading';
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return 'unauthenticated';
  const podUid = await options.authenticate(token);
  if (podUid === undefined) return 'unauthenticated';
  const body = await readBody(request);
  if (body === undefined) return 'tooLarge';
  if (!options.isCurrent(podUid)) return 'notCurrent';
  const record = progressSchema.safeParse(parseJson(body));
  if (!record.success) return 'malformed';
  options.inbox.receive(podUid, record.data);
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
  const headers: Record<string, string> = answer === 'notLeading' ? { 'retry-after': '5', connection: 'close' } : {};
  if (answer === 'tooLarge') headers.connection = 'close';
  response.writeHead(ANSWERS[answer], headers).end();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
