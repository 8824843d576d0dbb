import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHeldSeconds, filmsByState } from './films.ts';
import { createHealthServer } from './health.ts';
import { createMetrics } from './metrics.ts';

describe('the metrics', () => {
  it('are written as Prometheus reads them', async () => {
    const metrics = createMetrics();
    const calls = metrics.counter('calls_total', 'Calls.', ['call']);
    metrics.gauge('depth', 'Depth.', () => 3);
    calls({ call: 'GET 200' });
    calls({ call: 'GET 200' }, 2);
    calls({ call: 'a "b" \\' });
    const lines = (await metrics.text()).split('\n').filter((line) => line !== '');
    expect(lines).toEqual([
      '# HELP dualparal_operator_calls_total Calls.',
      '# TYPE dualparal_operator_calls_total counter',
      'dualparal_operator_calls_total{call="GET 200"} 3',
      'dualparal_operator_calls_total{call="a \\"b\\" \\\\"} 1',
      '# HELP dualparal_operator_depth Depth.',
      '# TYPE dualparal_operator_depth gauge',
      'dualparal_operator_depth 3',
    ]);
  });

  it('of times are histograms', async () => {
    const metrics = createMetrics();
    metrics.seconds('wait_seconds', 'Waits.', [])({}, 0.02);
    const text = await metrics.text();
    expect(text).toContain('dualparal_operator_wait_seconds_bucket{le="0.01"} 0');
    expect(text).toContain('dualparal_operator_wait_seconds_bucket{le="0.03"} 1');
    expect(text).toContain('dualparal_operator_wait_seconds_count 1');
  });

  it('drop what is not told any more', async () => {
    const metrics = createMetrics();
    let told = [{ labels: { phase: 'Queued' }, value: 2 }];
    metrics.gauges('films', 'Films.', ['phase'], () => told);
    expect(await metrics.text()).toContain('dualparal_operator_films{phase="Queued"} 2');
    told = [{ labels: { phase: 'Running' }, value: 1 }];
    expect(await metrics.text()).not.toContain('Queued');
  });
});

describe('films by state', () => {
  it.each<[string, readonly (readonly [string, string | undefined])[], readonly (readonly [string, string, number])[]]>(
    [
      ['none', [], []],
      [
        'are counted by phase and reason',
        [
          ['Queued', 'Unschedulable'],
          ['Queued', 'Unschedulable'],
          ['Running', undefined],
        ],
        [
          ['Queued', 'Unschedulable', 2],
          ['Running', '', 1],
        ],
      ],
      [
        'have no names of objects in them',
        [
          ['Failed', 'pod film-1 is gone'],
          ['Failed', 'x'.repeat(64)],
        ],
        [['Failed', 'Other', 2]],
      ],
    ],
  )('%s', (_what, films, expected) => {
    const told = filmsByState(films.map(([phase, reason]) => ({ phase, reason })));
    expect(told.map(({ labels, value }) => [labels.phase, labels.reason, value])).toEqual(expected);
  });

  it('have so many reasons at most', () => {
    const films = Array.from({ length: 500 }, (_, i) => ({ phase: 'Failed', reason: `E_${i}` }));
    const told = filmsByState(films);
    expect(told.length).toBe(65);
    expect(told.find(({ labels }) => labels.reason === 'Other')?.value).toBe(436);
  });
});

it('what is held is added up over time', () => {
  let now = 1_000;
  let held = 8;
  const since = createHeldSeconds(
    () => held,
    () => now,
  );
  now += 5_000;
  expect(since()).toBe(40);
  held = 0;
  now += 5_000;
  expect(since()).toBe(0);
});

describe('the health server', () => {
  let close = () => {};
  afterEach(() => close());

  it('tells what is wrong', async () => {
    const state: { illness?: string; unready?: string } = { unready: 'caches are not filled yet' };
    const server = createHealthServer({
      illness: () => state.illness,
      unready: () => state.unready,
      metrics: async () => 'm 1\n',
    });
    close = () => server.close();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return `${response.status} ${await response.text()}`;
    };
    expect([await get('/livez'), await get('/readyz'), await get('/metrics')]).toEqual([
      '200 ok\n',
      '503 caches are not filled yet\n',
      '200 m 1\n',
    ]);
    state.illness = 'nothing heard of pods for 700 s';
    expect(await get('/livez?verbose')).toBe('503 nothing heard of pods for 700 s\n');
    expect(await get('/constructor')).toBe('404 not found: try /livez, /readyz or /metrics\n');
  });

  it('survives every request target and every byte string', async () => {
    const server = createHealthServer({ illness: () => undefined, unready: () => undefined, metrics: async () => '' });
    close = () => server.close();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const targets = [
      '//',
      '///livez',
      '*',
      'http://[',
      'http://',
      'http://x/livez',
      '/%',
      '/%zz',
      '/%c0%af',
      '?',
      '\\',
    ];
    const requests = [
      ...targets.flatMap((target) =>
        ['GET', 'OPTIONS', 'CONNECT'].map((m) => `${m} ${target} HTTP/1.1\r\nHost: x\r\n\r\n`),
      ),
      'GET',
      'GET / HTTP/1.1\r\n',
      'GET /livez HTTP/9.9\r\n\r\n',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'GET // HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50),
      ...Array.from({ length: 50 }, (_, i) =>
        Buffer.from(Array.from({ length: 64 }, (_b, j) => (i * 167 + j * j * 31) % 256)),
      ),
    ];
    for (const bytes of requests) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.end(bytes);
      socket.resume();
      await once(socket, 'close');
    }
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  });

  it('answers a check that throws, and goes on', async () => {
    const server = createHealthServer({
      illness: () => {
        throw new Error('broken');
      },
      unready: () => undefined,
      metrics: async () => '',
    });
    close = () => server.close();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(500);
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  });
});
