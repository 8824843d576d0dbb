import { expect, it } from 'vitest';
import { startScriptedApiServer } from '../../test/double/api-server.ts';
import { openPlainClient } from './client.ts';
import { createServerClock } from './server-clock.ts';

const HOUR = 3_600_000;
/** A right clock at the start; `performance.now()` began an hour before. */
const START = Date.parse('2026-01-01T00:00:00Z');

/** A machine whose wall clock is ahead, and answers of a server that is right unless said otherwise. */
function machine(aheadMs: number) {
  let passed = 0;
  const steadyMs = () => HOUR + passed;
  const clock = createServerClock({ steadyMs, wallMs: () => START + aheadMs + passed });
  return {
    error: () => clock.now() - (START + passed),
    pass: (ms: number) => {
      passed += ms;
    },
    answer: (tookMs: number, serverAheadMs = 0) => {
      const sent = steadyMs();
      passed += tookMs;
      clock.heard(new Date(START + passed + serverAheadMs).toUTCString(), sent, steadyMs());
    },
    clock,
  };
}

it.each([
  ['right', 0],
  ['a minute ahead', 60_000],
  ['five hours ahead', 5 * HOUR],
  ['a day behind', -24 * HOUR],
])('on a machine whose clock is %s it is the API server that tells the time, to a second', (_what, ahead) => {
  const { answer, error, pass } = machine(ahead);
  expect(error()).toBe(ahead);
  for (let i = 0; i < 20; i += 1) {
    answer(30);
    expect(Math.abs(error())).toBeLessThan(1000);
    pass(777);
  }
});

it.each<[string, (of: ReturnType<typeof machine>) => void]>([
  ['that took long', ({ answer }) => answer(50_000, -30_000)],
  ['of another server, which is an hour ahead', ({ answer }) => answer(10, HOUR)],
  ['without a date', ({ clock }) => clock.heard(undefined, 0, 0)],
  ['whose date is none', ({ clock }) => clock.heard('yesterday', 0, 0)],
])('an answer %s moves nothing', (_what, disturb) => {
  const of = machine(0);
  for (let i = 0; i < 5; i += 1) of.answer(10);
  disturb(of);
  expect(Math.abs(of.error())).toBeLessThan(1000);
});

it('time does not go back where answers differ by a part of a second', () => {
  const { answer, pass, clock } = machine(0);
  const times = Array.from({ length: 200 }, (_unused, i) => {
    answer((i * 37) % 400);
    pass((i * 91) % 300);
    return clock.now();
  });
  expect(times.toSorted((a, b) => a - b)).toEqual(times);
});

it('an API server whose clock was five hours ahead, and is set right, is followed', () => {
  const { answer, error } = machine(0);
  for (let i = 0; i < 20; i += 1) answer(10, 5 * HOUR);
  expect(error()).toBeGreaterThan(5 * HOUR - 1000);
  for (let i = 0; i < 20; i += 1) answer(10);
  expect(Math.abs(error())).toBeLessThan(1000);
});

it('every answer to a client tells it, refusals too', async () => {
  const server = await startScriptedApiServer();
  const clock = createServerClock();
  const client = openPlainClient(server.origin, { clock });
  try {
    const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
    server.on('GET', '/api/v1/pods', { status: 404, headers: { date }, body: { message: 'none' } });
    await client.call({ method: 'GET', path: '/api/v1/pods' }).catch(() => {});
    expect(new Date(clock.now()).getUTCFullYear()).toBe(2026);
    server.on('GET', '/api/v1/nodes', { headers: { date: 'Thu, 01 Jan 2099 00:00:00 GMT' }, body: {} });
    await client.call({ method: 'GET', path: '/api/v1/nodes' });
    await client.call({ method: 'GET', path: '/api/v1/nodes' });
    expect(new Date(clock.now()).getUTCFullYear()).toBe(2099);
  } finally {
    await client.close();
    await server.close();
  }
});
