import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHealthServer } from './health.ts';
import { createMetrics } from './metrics.ts';

describe('the metrics', () => {
  it('are written as Prometheus reads them', () => {
    const metrics = createMetrics();
    const calls = metrics.counter('calls_total', 'Calls.', 'call');
    metrics.gauge('depth', 'Depth.', () => 3);
    calls.add('GET 200');
    calls.add('GET 200', 2);
    calls.add('a "b" \\');
    expect(metrics.text().split('\n')).toEqual([
      '# HELP dualparal_operator_calls_total Calls.',
      '# TYPE dualparal_operator_calls_total counter',
      'dualparal_operator_calls_total{call="GET 200"} 3',
      'dualparal_operator_calls_total{call="a \\"b\\" \\\\"} 1',
      '# HELP dualparal_operator_depth Depth.',
      '# TYPE dualparal_operator_depth gauge',
      'dualparal_operator_depth 3',
      '',
    ]);
  });
});

describe('the health server', () => {
  let close = () => {};
  afterEach(() => close());

  it('tells what is wrong', async () => {
    const state: { illness?: string; unready?: string } = { unready: 'caches are not filled yet' };
    const server = createHealthServer({
      illness: () => state.illness,
      unready: () => state.unready,
      metrics: () => 'm 1\n',
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
});
