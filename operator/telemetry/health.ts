import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { guarded, harden, pathOfTarget, SERVER_OPTIONS } from '../listen/harden.ts';

export interface HealthOptions {
  /** Why the process should be started anew; undefined while it is well. */
  readonly illness: () => string | undefined;
  /** Why it cannot serve yet; undefined when it can. */
  readonly unready: () => string | undefined;
  readonly metrics: () => Promise<string>;
}

const KEEP_ALIVE_MS = 5_000;
/** Probes and a scraper need a few. */
const CONNECTIONS_OF_ONE = 32;

/** Makes the server of `/livez`, `/readyz` and `/metrics`; the caller listens and closes. */
export function createHealthServer(options: HealthOptions): Server {
  const listener = guarded((request, response) => answer(request, response, options));
  return harden(createServer(SERVER_OPTIONS, listener), { keepAliveMs: KEEP_ALIVE_MS, ofOne: CONNECTIONS_OF_ONE });
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  options: HealthOptions,
): Promise<void> {
  const path = pathOfTarget(url);
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD', connection: 'close' }).end();
    return;
  }
  if (path === '/metrics') {
    const text = await options.metrics();
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
    return;
  }
  const checks = new Map([
    ['/livez', options.illness],
    ['/readyz', options.unready],
  ]);
  const check = checks.get(path);
  if (check === undefined) {
    response.writeHead(404).end('not found: try /livez, /readyz or /metrics\n');
    return;
  }
  const problem = check();
  response.writeHead(problem === undefined ? 200 : 503, { 'content-type': 'text/plain' }).end(`${problem ?? 'ok'}\n`);
}
