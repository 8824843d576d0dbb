/** Two candidates and a server that loses, delays, refuses and garbles: whatever the order of answers, one leads at a time. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createDice, type Dice } from '../../test/faults/dice.ts';
import { openPlainClient } from './client.ts';
import { createGate, type Gate } from './gate.ts';
import { acquireLease } from './lease.ts';

const TIMING = { durationMs: 300, renewMs: 200, retryMs: 25 };
const RUN_MS = 8_000;
const SEEDS = Array.from({ length: 16 }, (_, i) => i + 1);
const FAULTS = ['refuse', 'conflict', 'lose', 'reset', 'hang', 'slow', 'garble', 'stale'] as const;
type Fault = (typeof FAULTS)[number];
type Answer = { readonly status: number; readonly text: string; readonly retryAfter?: string } | undefined | null;

/** Keeps one lease, whose seconds need not be whole, and is at times well and at times not. */
async function startLeaseServer(dice: Dice) {
  let stored: { spec: Record<string, unknown>; version: number } | undefined;
  let before: typeof stored;
  let trouble = 0.3;
  const body = (lease: typeof stored) =>
    JSON.stringify({
      kind: 'Lease',
      metadata: { name: 'o', namespace: 's', resourceVersion: String(lease?.version) },
      spec: lease?.spec,
    });
  const serve = (method: string, text: string): Exclude<Answer, null | undefined> => {
    if (method === 'GET')
      return stored === undefined ? { status: 404, text: '{}' } : { status: 200, text: body(stored) };
    const sent = JSON.parse(text);
    const isOld = method === 'PUT' ? sent.metadata.resourceVersion !== String(stored?.version) : stored !== undefined;
    if (isOld) return { status: 409, text: '{"reason":"Conflict"}' };
    before = stored;
    stored = {
      spec: { ...sent.spec, leaseDurationSeconds: TIMING.durationMs / 1000 },
      version: (stored?.version ?? 0) + 1,
    };
    return { status: 200, text: body(stored) };
  };
  /** The last ones carry the version that a write would need: they must not pass for a lease that nobody holds. */
  const garbage = () => {
    const metadata = { resourceVersion: String(stored?.version) };
    const others = [
      { metadata },
      { kind: 'Status', metadata },
      { kind: 'Lease', metadata: { ...metadata, name: 'p' } },
    ];
    return dice.pick(['{}', 'null', '<html>', ...others.map((other) => JSON.stringify(other))]);
  };
  /** What becomes of a request; undefined where its connection breaks, null where nothing comes. */
  const answers: Readonly<Record<Fault, (method: string, text: string) => Answer | Promise<Answer>>> = {
    refuse: () => ({ status: dice.pick([429, 500, 503]), text: '{}', retryAfter: dice.pick(['0.01', '0.2', '9']) }),
    conflict: () => ({ status: 409, text: '{"reason":"Conflict"}' }),
    reset: () => undefined,
    hang: () => null,
    garble: () => ({ status: 200, text: garbage() }),
    stale: (method, text) =>
      method === 'GET' && before !== undefined ? { status: 200, text: body(before) } : serve(method, text),
    lose: (method, text) => void serve(method, text),
    slow: async (method, text) => {
      const served = serve(method, text);
      await sleep(dice.share() * TIMING.durationMs);
      return served;
    },
  };
  const server = createServer(async (request, response) => {
    for (const stream of [request, response]) stream.on('error', () => {});
    const parts = await request.toArray().catch(() => []);
    const how = dice.share() < trouble ? answers[dice.pick(FAULTS)] : serve;
    const answer = await how(request.method ?? '', parts.join(''));
    if (answer === undefined) request.socket.destroy();
    else if (answer !== null) {
      const { status, text, retryAfter } = answer;
      response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end(text);
    }
  });
  const change = setInterval(() => {
    trouble = dice.pick([0, 0.2, 0.5, 0.9, 1]);
  }, 250);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      clearInterval(change);
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Lets two candidates stand again and again; who led while another did, and how often the lease was won. */
async function run(seed: number): Promise<{ readonly together: readonly string[]; readonly won: number }> {
  const dice = createDice(seed);
  const server = await startLeaseServer(dice);
  const stop = AbortSignal.timeout(RUN_MS);
  const gates = new Map<string, Gate>();
  const together: string[] = [];
  let won = 0;
  const lead = async (identity: string, gate: Gate) => {
    won += 1;
    for (const [other, theirs] of gates) if (theirs.isOpen()) together.push(`${identity} and ${other}, seed ${seed}`);
    gates.set(identity, gate);
    const end = AbortSignal.any([gate.signal, stop, AbortSignal.timeout(dice.between(100, 1500))]);
    if (!end.aborted) await once(end, 'abort');
  };
  const stand = async (identity: string) => {
    while (!stop.aborted) {
      const client = openPlainClient(server.origin);
      const gate = createGate();
      const options = { client, namespace: 's', name: 'o', identity, gate, timing: TIMING };
      const leadership = await acquireLease(options, stop).catch(() => undefined);
      if (leadership !== undefined && gate.isOpen()) await lead(identity, gate);
      await leadership?.release();
      await client.close();
    }
  };
  await Promise.all([stand('a'), stand('b')]);
  server.close();
  return { together, won };
}

it('leadership is never with two, whatever comes back and in whichever order', async () => {
  const runs = await Promise.all(SEEDS.map(run));
  expect(runs.flatMap(({ together }) => together)).toEqual([]);
  expect(runs.reduce((sum, { won }) => sum + won, 0)).toBeGreaterThan(0);
});
