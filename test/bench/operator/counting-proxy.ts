/** Stands between an operator and its API server and counts what is asked. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Agent, request as send } from 'undici';
import { apiServerUrl } from '../../cluster/kubeconfig.ts';
import type { ClusterLayout } from '../../cluster/layout.ts';

export interface CountingProxy {
  readonly origin: string;
  /** Requests so far of which `wanted` says that they count. */
  count(wanted: (asked: Asked) => boolean): number;
  /** Forgets what was counted. */
  reset(): void;
  close(): Promise<void>;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly isWatch: boolean;
}

/** A list or a watch of a kind, or the lease: what every operator asks for. */
export function isOfEveryOperator({ method, path }: Asked): boolean {
  const isList = method === 'GET' && /^\/apis?\/.*(videogenerations|jobs|pods|events)$/.test(path);
  return isList || path.includes('/leases');
}

/** Opens the proxy; it shows the administrator's certificate to the API server. */
export async function startCountingProxy(layout: ClusterLayout): Promise<CountingProxy> {
  const file = (name: string) => readFileSync(join(layout.certificates, name));
  const connect = { ca: file('authority.crt'), cert: file('admin.crt'), key: file('admin.key') };
  const agent = new Agent({ connect, bodyTimeout: 0, headersTimeout: 60_000 });
  const upstream = apiServerUrl(layout);
  let asked: Asked[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', upstream);
    const isWatch = url.searchParams.get('watch') === 'true';
    asked.push({ method: request.method ?? '', path: url.pathname, isWatch });
    void pass(request, response, url, agent).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: (wanted) => asked.filter(wanted).length,
    reset() {
      asked = [];
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await agent.destroy();
    },
  };
}

async function pass(request: IncomingMessage, response: ServerResponse, url: URL, agent: Agent): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const body = parts.length === 0 ? {} : { body: Buffer.concat(parts) };
  const method = request.method as 'GET';
  const answer = await send(url, { method, headers, ...body, dispatcher: agent, signal: gone.signal });
  response.writeHead(answer.statusCode, { 'content-type': String(answer.headers['content-type'] ?? '') });
  response.flushHeaders();
  await pipeline(answer.body, response);
}
