import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A call as it arrived. */
export interface ReceivedCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
  readonly body: unknown;
}

/** How a call is answered: a status with a body, or not at all. */
export type Reply =
  | { readonly status?: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  /** The connection breaks before the answer. */
  | 'reset'
  /** No answer ever comes. */
  | 'hang';

/** A watch that the client has opened; the test says what is seen on it. */
export interface WatchStream {
  readonly query: Readonly<Record<string, string>>;
  /** Sends one event, cut into pieces of so many bytes if given. */
  send(
    type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR',
    object: unknown,
    pieceBytes?: number,
  ): Promise<void>;
  /** The server ends the watch as it does after its time. */
  end(): void;
  /** The connection breaks. */
  reset(): void;
  /** Resolves when the client has gone. */
  readonly closed: Promise<void>;
}

/** An API server without objects of its own: every answer is scripted. */
export interface ScriptedApiServer {
  readonly origin: string;
  readonly calls: readonly ReceivedCall[];
  /** Connections made so far. */
  readonly connections: number;
  /** Scripts the next answers to calls of this method and path; the last one stays. */
  on(method: string, path: string, ...replies: readonly (Reply | ((call: ReceivedCall) => Reply))[]): void;
  /** The next watch on a path. */
  watch(path: string): Promise<WatchStream>;
  close(): Promise<void>;
}

type Script = (Reply | ((call: ReceivedCall) => Reply))[];

/** Starts a scripted API server on a free port of this machine. Calls without a script are answered with 404. */
export async function startScriptedApiServer(): Promise<ScriptedApiServer> {
  const calls: ReceivedCall[] = [];
  const scripts = new Map<string, Script>();
  const opened = new Map<string, WatchStream[]>();
  const expected = new Map<string, ((stream: WatchStream) => void)[]>();
  const sockets = new Set<Socket>();
  let connections = 0;

  // Idle connections last, as those of the real one do.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void receive(request).then((call) => {
      calls.push(call);
      if (call.query.watch === 'true') {
        const stream = openWatch(call, request, response);
        const taker = expected.get(call.path)?.shift();
        if (taker === undefined) opened.set(call.path, [...(opened.get(call.path) ?? []), stream]);
        else taker(stream);
        return;
      }
      const script = scripts.get(`${call.method} ${call.path}`);
      const next = script !== undefined && script.length > 1 ? script.shift() : script?.[0];
      const notFound = {
        status: 404,
        body: { kind: 'Status', code: 404, reason: 'NotFound', message: 'not scripted' },
      };
      reply(typeof next === 'function' ? next(call) : (next ?? notFound), request, response);
    });
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    get connections() {
      return connections;
    },
    on(method, path, ...replies) {
      scripts.set(`${method} ${path}`, [...replies]);
    },
    watch(path) {
      const stream = opened.get(path)?.shift();
      if (stream !== undefined) return Promise.resolve(stream);
      return new Promise((resolve) => expected.set(path, [...(expected.get(path) ?? []), resolve]));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function receive(request: IncomingMessage): Promise<ReceivedCall> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    contentType: request.headers['content-type'],
    body: text === '' ? undefined : JSON.parse(text),
  };
}

function reply(script: Reply, request: IncomingMessage, response: ServerResponse): void {
  if (script === 'hang') return;
  if (script === 'reset') {
    request.socket.destroy();
    return;
  }
  const { status = 200, body = {}, headers = {} } = script;
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function openWatch(call: ReceivedCall, request: IncomingMessage, response: ServerResponse): WatchStream {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  return {
    query: call.query,
    async send(type, object, pieceBytes) {
      const line = Buffer.from(`${JSON.stringify({ type, object })}\n`);
      const size = pieceBytes ?? line.length;
      for (let at = 0; at < line.length; at += size) {
        response.write(line.subarray(at, at + size));
        if (pieceBytes !== undefined) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    end: () => response.end(),
    reset: () => request.socket.destroy(),
    closed: once(response, 'close').then(() => {}),
  };
}
