/** Stands between operators and a real API server, and does to requests what networks and busy servers do. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request as send } from 'undici';
import { apiServerUrl } from '../../cluster/kubeconfig.ts';
import type { ClusterLayout } from '../../cluster/layout.ts';
import type { Dice } from '../dice.ts';

export interface FaultProxy {
  readonly origin: string;
  /** How often each fault was made. */
  readonly seen: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

interface Context {
  readonly dice: Dice;
  readonly upstream: string;
  readonly agent: Agent;
  readonly count: (fault: string) => void;
  /** By kind of object, how far its watches are behind now, in milliseconds. */
  readonly lags: Map<string, number>;
}

/** Shares of requests that meet a fault, and times in milliseconds. */
const REFUSED = 0.05;
const LOST = 0.04;
const HALF_OPEN = 0.02;
const SLOW = 0.25;
const LEASE_FAULTS = 0.02;
const SLOW_MS = 400;
const HALF_OPEN_MS = 3_000;
const WATCH_MS = { shortest: 500, longest: 12_000 } as const;
const LAG_MS = 2_500;
const LAG_CHANGES_MS = 1_000;

/** Opens the proxy; it shows the administrator's certificate to the API server. */
export async function startFaultProxy(layout: ClusterLayout, dice: Dice): Promise<FaultProxy> {
  const file = (name: string) => readFileSync(join(layout.certificates, name));
  const connect = { ca: file('authority.crt'), cert: file('admin.crt'), key: file('admin.key') };
  const agent = new Agent({ connect, bodyTimeout: 0, headersTimeout: 60_000 });
  const seen: Record<string, number> = {};
  const count = (fault: string) => {
    seen[fault] = (seen[fault] ?? 0) + 1;
  };
  const context: Context = { dice, upstream: apiServerUrl(layout), agent, count, lags: new Map() };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    void pass(request, response, context).catch(() => response.destroy());
  });
  const change = setInterval(() => changeLags(context), LAG_CHANGES_MS);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      clearInterval(change);
      server.close();
      server.closeAllConnections();
      await agent.destroy();
    },
  };
}

/** Most kinds are up to date at most times, and each is far behind at some. */
function changeLags({ dice, lags }: Context): void {
  for (const kind of lags.keys()) lags.set(kind, dice.share() < 0.5 ? 0 : dice.share() ** 2 * LAG_MS);
}

async function pass(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const url = new URL(request.url ?? '/', 'http://x');
  if (url.searchParams.get('watch') === 'true') return passWatch(request, response, url, context);
  const { dice, count } = context;
  const forward = () => ask(request, url, Buffer.concat(parts), context);
  await sometimesSlow(dice);
  switch (faultOf(dice, url)) {
    case 'refused':
      count('refused before');
      return refuse(response, dice, request.method ?? '');
    case 'lost':
      count(request.method === 'GET' ? 'answer lost' : 'answer lost after a write');
      await forward();
      return lose(response, dice);
    case 'half-open':
      count('half-open');
      if (dice.share() < 0.5) await forward();
      await sleep(HALF_OPEN_MS);
      response.destroy();
      return;
    default: {
      const { status, text } = await forward();
      await sometimesSlow(dice);
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    }
  }
}

async function sometimesSlow(dice: Dice): Promise<void> {
  if (dice.share() < SLOW) await sleep(dice.share() * SLOW_MS);
}

/** The lease meets few faults: what is to be seen here is what leaders do. */
function faultOf(dice: Dice, { pathname }: URL): 'refused' | 'lost' | 'half-open' | undefined {
  const chance = dice.share();
  if (pathname.includes('/leases')) return chance < LEASE_FAULTS ? 'refused' : undefined;
  if (chance < REFUSED) return 'refused';
  if (chance < REFUSED + LOST) return 'lost';
  return chance < REFUSED + LOST + HALF_OPEN ? 'half-open' : undefined;
}

function lose(response: ServerResponse, dice: Dice): void {
  if (dice.share() < 0.5) response.destroy();
  else answer(response, 500, { message: 'etcdserver: request timed out' });
}

/** What a server answers that has done nothing. */
function refuse(response: ServerResponse, dice: Dice, method: string): void {
  const busy = () => answer(response, 429, { message: 'too many requests' }, { 'retry-after': '1' });
  const failed = () => answer(response, dice.pick([500, 503, 504]), { message: 'not now' });
  const conflict = () => answer(response, 409, { reason: 'Conflict', message: 'the object has been modified' });
  const expired = () => answer(response, 410, { reason: 'Expired', message: 'too old resource version' });
  dice.pick(
    method === 'GET' ? [busy, failed, expired] : method === 'POST' ? [busy, failed] : [busy, failed, conflict],
  )();
}

function answer(response: ServerResponse, code: number, body: object, headers: Record<string, string> = {}): void {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, ...body };
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(status));
}

function optionsOf(request: IncomingMessage, { agent }: Context) {
  const { 'content-type': type, accept } = request.headers;
  const headers = { ...(type === undefined ? {} : { 'content-type': type }), accept: accept ?? 'application/json' };
  return { dispatcher: agent, method: (request.method ?? 'GET') as 'GET', headers };
}

async function ask(request: IncomingMessage, url: URL, body: Buffer, context: Context) {
  const options = { ...optionsOf(request, context), ...(body.length === 0 ? {} : { body }) };
  const answered = await send(`${context.upstream}${url.pathname}${url.search}`, options);
  return { status: answered.statusCode, text: await answered.body.text() };
}

/** A watch comes late by what its kind is behind, in order; it is cut, told to start anew, or falls silent. */
async function passWatch(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  context: Context,
): Promise<void> {
  const { dice, lags, count } = context;
  const kind = url.pathname.split('/').at(-1) ?? '';
  if (!lags.has(kind)) lags.set(kind, 0);
  const stop = new AbortController();
  response.on('close', () => stop.abort());
  const target = `${context.upstream}${url.pathname}${url.search}`;
  const answered = await send(target, { ...optionsOf(request, context), signal: stop.signal });
  response.writeHead(answered.statusCode, { 'content-type': 'application/json' });
  response.flushHeaders();
  let silent = false;
  const end = setTimeout(
    async () => {
      const how = dice.pick(['cut', 'expired', 'silent'] as const);
      count(`watch ${how}`);
      if (how === 'expired')
        response.write(
          `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`,
        );
      silent = true;
      if (how === 'silent') await sleep(HALF_OPEN_MS);
      response.destroy();
    },
    dice.between(WATCH_MS.shortest, WATCH_MS.longest),
  );
  let last: Promise<unknown> = Promise.resolve();
  try {
    for await (const chunk of answered.body) {
      const due = performance.now() + (lags.get(kind) ?? 0);
      last = last.then(async () => {
        await sleep(Math.max(0, due - performance.now()));
        if (!silent) response.write(chunk);
      });
    }
    await last;
    response.end();
  } catch {
    response.destroy();
  } finally {
    clearTimeout(end);
  }
}
