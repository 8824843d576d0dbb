import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from './client.ts';
import { ApiError, failureOf } from './failure.ts';
import { createGate } from './gate.ts';

let server: ScriptedApiServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
});
afterEach(async () => {
  await client.close();
  await server.close();
});

const get = (path = '/api/v1/pods') => client.call<{ n?: number }>({ method: 'GET', path });
const unwell = (status: number, headers = {}) => ({ status, headers, body: { message: 'not now' } });

describe('a call', () => {
  it('shares its connection with the calls before it', async () => {
    server.on('GET', '/api/v1/pods', { body: { n: 1 } });
    for (let i = 0; i < 50; i += 1) await get();
    expect(server.calls.length).toBe(50);
    // The pool may open a second one while the first is being opened.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('sends its query, body and content type', async () => {
    server.on('PATCH', '/api/v1/pods/a', { body: {} });
    const query = { force: true, limit: 5, none: undefined };
    await client.call({
      method: 'PATCH',
      path: '/api/v1/pods/a',
      query,
      body: { a: 1 },
      contentType: 'application/apply-patch+yaml',
    });
    expect(server.calls).toEqual([
      {
        method: 'PATCH',
        path: '/api/v1/pods/a',
        query: { force: 'true', limit: '5' },
        contentType: 'application/apply-patch+yaml',
        body: { a: 1 },
      },
    ]);
  });

  it.each([
    ['429 with Retry-After', unwell(429, { 'retry-after': '0.01' })],
    ['503', unwell(503)],
    ['401, as with a token that was just replaced', unwell(401)],
    ['a broken connection', 'reset' as const],
  ])('is made again after %s', async (_what, first) => {
    server.on('GET', '/api/v1/pods', first, { body: { n: 2 } });
    expect(await get()).toEqual({ n: 2 });
    expect(server.calls.length).toBe(2);
  });

  it('gives up after a few tries, with what the server said', async () => {
    server.on('GET', '/api/v1/pods', unwell(500, { 'retry-after': '0.01' }));
    const error = await get().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(failureOf(error)).toEqual({
      kind: 'retry',
      status: 500,
      message: 'GET /api/v1/pods answered 500: not now',
      retryAfterMs: 10,
    });
    expect(server.calls.length).toBe(4);
  });

  it('that creates is made once: nobody knows whether it was carried out', async () => {
    server.on('POST', '/api/v1/pods', 'reset', { body: {} });
    const error = await client
      .call({ method: 'POST', path: '/api/v1/pods', body: {} })
      .catch((thrown: unknown) => thrown);
    expect(failureOf(error)).toMatchObject({ kind: 'retry', status: 0 });
    expect(server.calls.length).toBe(1);
  });

  it('ends when its signal is aborted', async () => {
    server.on('GET', '/api/v1/pods', 'hang');
    const stop = new AbortController();
    const call = client.call({ method: 'GET', path: '/api/v1/pods', signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 20);
    await expect(call).rejects.toThrow(/enough/);
  });
});

describe('Retry-After', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    'holds back every later %s of that path',
    async (method) => {
      const path = '/api/v1/pods/a';
      server.on(method, path, unwell(429, { 'retry-after': '30' }), { body: {} });
      for (let i = 0; i < 5; i += 1) {
        const failure = failureOf(await client.call({ method, path }).catch((thrown: unknown) => thrown));
        expect(failure.kind).toBe('retry');
        expect(failure.retryAfterMs).toBeGreaterThan(20_000);
      }
      expect(server.calls.length).toBe(1);
    },
  );
});

describe('a closed gate', () => {
  it('lets nothing through, and ends what is under way', async () => {
    const gate = createGate();
    const gated = openPlainClient(server.origin, { gate });
    server.on('GET', '/api/v1/pods', 'hang');
    const underWay = gated
      .call({ method: 'GET', path: '/api/v1/pods' })
      .catch((thrown: unknown) => failureOf(thrown).kind);
    while (server.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    gate.close('the lease was taken');
    expect(await underWay).toBe('closed');
    const later = gated
      .call({ method: 'POST', path: '/api/v1/pods' })
      .catch((thrown: unknown) => failureOf(thrown).kind);
    expect(await later).toBe('closed');
    expect(server.calls.length).toBe(1);
    await gated.close();
  });
});

describe('a gate whose time is over before its timer has run', () => {
  it('keeps back what had waited for a connection', async () => {
    let now = 0;
    const gate = createGate(() => now);
    const gated = openPlainClient(server.origin, { gate, connections: 1 });
    gate.openUntil(600_000);
    const lines = gated.lines({ method: 'GET', path: '/watched', query: { watch: true } });
    const first = lines.next();
    const stream = await server.watch('/watched');
    // The only connection is taken, so this one waits behind it.
    const waiting = gated
      .call({ method: 'POST', path: '/api/v1/pods', body: {} })
      .catch((thrown: unknown) => failureOf(thrown).kind);
    await new Promise((resolve) => setTimeout(resolve, 50));
    now = 600_001;
    stream.end();
    expect(await waiting).toBe('closed');
    await first.catch(() => {});
    expect(server.calls.map(({ path }) => path)).toEqual(['/watched']);
    await gated.close();
  });
});

describe('a stream of lines', () => {
  it('survives being cut anywhere, also inside a character', async () => {
    const lines = client.lines({ method: 'GET', path: '/api/v1/pods', query: { watch: true } });
    const first = lines.next();
    const stream = await server.watch('/api/v1/pods');
    await stream.send('ADDED', { text: 'Wellen, größer als Häuser — 波' }, 3);
    await stream.send('ADDED', { n: 2 });
    stream.end();
    const seen = [(await first).value];
    for await (const line of lines) seen.push(line);
    expect(seen.map((line) => JSON.parse(line as string).object)).toEqual([
      { text: 'Wellen, größer als Häuser — 波' },
      { n: 2 },
    ]);
  });

  it('reports a refusal like any call', async () => {
    const lines = client.lines({ method: 'GET', path: '/nowhere' });
    expect(failureOf(await lines.next().catch((thrown: unknown) => thrown))).toMatchObject({
      kind: 'missing',
      status: 404,
    });
  });
});
