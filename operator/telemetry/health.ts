import { createServer, type Server } from 'node:http';

export interface HealthOptions {
  /** Why the process should be started anew; undefined while it is well. */
  readonly illness: () => string | undefined;
  /** Why it cannot serve yet; undefined when it can. */
  readonly unready: () => string | undefined;
  readonly metrics: () => string;
}

/** Makes the server of `/livez`, `/readyz` and `/metrics`; the caller listens and closes. */
export function createHealthServer({ illness, unready, metrics }: HealthOptions): Server {
  return createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metrics());
      return;
    }
    const checks: Readonly<Record<string, () => string | undefined>> = { '/livez': illness, '/readyz': unready };
    const check = Object.hasOwn(checks, path) ? checks[path] : undefined;
    if (check === undefined) {
      response.writeHead(404).end('not found: try /livez, /readyz or /metrics\n');
      return;
    }
    const problem = check();
    response.writeHead(problem === undefined ? 200 : 503, { 'content-type': 'text/plain' }).end(`${problem ?? 'ok'}\n`);
  });
}
