/**
 * Purpose of this folder: what every server of the operator needs, so that no sender can end the process or hold on to more
 * of it than its share.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { keepShares } from './shares.ts';

/** Options with which servers are made. */
export const SERVER_OPTIONS = {
  maxHeaderSize: 16 * 1024,
  /** How often requests that take too long are looked for. */
  connectionsCheckingInterval: 2_000,
} as const;

/** Time for a whole request, from its first byte on. */
const REQUEST_MS = 15_000;
const CONNECTIONS = 4096;
/** Time without a byte in either direction: a sender who does not read its answers is not waited for. */
const SILENCE_MS = 30_000;
/** Requests of one connection that wait for their answers; who sends more ahead costs much and does not listen. */
const AHEAD = 4;
/** How long a sender may go on with a request that was answered before it was whole. */
const LINGER_MS = 1_000;

/** A listener for requests whose handler may fail in any way: the sender gets 500, and `warn` the reason. */
export function guarded(
  handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
  warn: (message: string) => void = () => {},
): RequestListener {
  const unanswered = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    const before = unanswered.get(socket) ?? 0;
    if (before >= AHEAD) {
      socket.destroy();
      return;
    }
    unanswered.set(socket, before + 1);
    response.on('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    // Somebody who leaves in the middle is nothing to tell of.
    request.on('error', () => {});
    response.on('error', () => {});
    response.on('finish', () => linger(request, socket));
    const failed = (error: unknown) => {
      warn(error instanceof Error ? error.message : String(error));
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { connection: 'close' }).end();
    };
    try {
      handle(request, response)?.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

/** Limits that differ from server to server. */
export interface Limits {
  /** How long a connection may stay open without a request. */
  readonly keepAliveMs: number;
  /** Connections of one sender: so nobody alone keeps all others out, or fills the memory with what is read of each. */
  readonly ofOne: number;
}

/** Gives a server its limits, and an answer to everything that is not a request. */
export function harden<T extends Server | SecureServer>(server: T, { keepAliveMs, ofOne }: Limits): T {
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = REQUEST_MS;
  server.keepAliveTimeout = keepAliveMs;
  server.timeout = SILENCE_MS;
  server.maxHeadersCount = 100;
  server.maxConnections = CONNECTIONS;
  keepShares(server, ofOne);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => refuse(error, socket));
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => socket.destroy());
  // An accept that fails, for instance for want of file descriptors, fails for one sender only.
  server.on('error', () => {});
  return server;
}

/** Waits a little for the rest of a request that has its answer; its sender would otherwise not always see the answer. */
function linger(request: IncomingMessage, socket: Socket): void {
  if (request.complete) return;
  request.resume();
  setTimeout(() => request.complete || socket.destroy(), LINGER_MS).unref();
}

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  socket.on('error', () => {});
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`, () => socket.destroy());
}

/** Path of a request's target in whichever of HTTP's forms it comes, without its query; nothing in it is decoded. */
export function pathOfTarget(target: string | undefined): string {
  const [path = ''] = (target ?? '').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  return path === '' ? '/' : path;
}
