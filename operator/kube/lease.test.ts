import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ReceivedCall,
  type Reply,
  type ScriptedApiServer,
  startScriptedApiServer,
} from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from './client.ts';
import { acquireLease, type Leadership } from './lease.ts';

const PATH = '/apis/coordination.k8s.io/v1/namespaces/system/leases';
const NAMED = `${PATH}/operator`;
const TIMING = { durationMs: 60, renewMs: 60_000, retryMs: 5 };
type Spec = { holderIdentity?: string; leaseTransitions?: number; leaseDurationSeconds?: number; acquireTime?: string };

let server: ScriptedApiServer;
let client: KubeClient;
let held: Leadership[];
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  held = [];
});
afterEach(async () => {
  await Promise.all(held.map((leadership) => leadership.release()));
  await client.close();
  await server.close();
});

/** A server that keeps one lease and refuses writes that do not carry its version, as the real one does. */
function keepLease(spec?: Spec): { current: () => Spec | undefined; touch: (spec: Spec) => void } {
  let stored = spec;
  let version = 1;
  const body = () => ({
    kind: 'Lease',
    metadata: { name: 'operator', namespace: 'system', resourceVersion: String(version) },
    spec: stored,
  });
  const put = (call: ReceivedCall) => {
    const sent = call.body as { metadata: { resourceVersion?: string }; spec: Spec };
    const conflict = { status: 409, body: { code: 409, reason: 'Conflict', message: 'modified' } };
    if (call.method === 'PUT' && sent.metadata.resourceVersion !== String(version)) return conflict;
    stored = sent.spec;
    version += 1;
    return { body: body() };
  };
  server.on('GET', NAMED, () => (stored === undefined ? { status: 404, body: {} } : { body: body() }));
  server.on('PUT', NAMED, put);
  server.on('POST', PATH, put);
  return {
    current: () => stored,
    touch(next) {
      stored = next;
      version += 1;
    },
  };
}

async function lead(identity: string, signal = new AbortController().signal, timing = TIMING): Promise<Leadership> {
  const now = () => new Date('2026-01-01T00:00:00Z');
  const options = { client, namespace: 'system', name: 'operator', identity, timing, now, random: () => 0 };
  const leadership = await acquireLease(options, signal);
  held.push(leadership);
  return leadership;
}
const lostOf = ({ lost }: Leadership) =>
  new Promise<void>((resolve) => lost.addEventListener('abort', () => resolve()));

describe('a lease', () => {
  it('is made if there is none', async () => {
    const lease = keepLease();
    await lead('a');
    expect(lease.current()).toEqual({
      holderIdentity: expect.stringMatching(/^a_/),
      leaseDurationSeconds: 1,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 1,
    });
  });

  it('is taken when its holder has let go', async () => {
    const lease = keepLease({ holderIdentity: '', leaseTransitions: 7 });
    await lead('a');
    expect(lease.current()).toMatchObject({ holderIdentity: expect.stringMatching(/^a_/), leaseTransitions: 8 });
  });

  it('of a holder who renews is left alone', async () => {
    const lease = keepLease({ holderIdentity: 'b', leaseDurationSeconds: 0.3 });
    const renewal = setInterval(
      () => lease.touch({ holderIdentity: 'b', leaseDurationSeconds: 0.3, acquireTime: String(Math.random()) }),
      5,
    );
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 1000);
    await expect(lead('a', stop.signal)).rejects.toThrow(/abort/i);
    clearInterval(renewal);
    expect(lease.current()?.holderIdentity).toBe('b');
  });

  it('is taken over once its holder has not renewed it for its duration', async () => {
    const lease = keepLease({ holderIdentity: 'b', leaseDurationSeconds: 0.03, leaseTransitions: 1 });
    await lead('a');
    expect(lease.current()).toMatchObject({ holderIdentity: expect.stringMatching(/^a_/), leaseTransitions: 2 });
  });

  it('is taken over also where old and new answers about a dead holder come in turn', async () => {
    const lease = keepLease({ holderIdentity: 'b', acquireTime: 'late' });
    let reads = 0;
    server.on('GET', NAMED, () => {
      reads += 1;
      const [version, acquireTime] = reads % 2 === 0 ? ['0', 'early'] : ['1', 'late'];
      const metadata = { name: 'operator', namespace: 'system', resourceVersion: version };
      return { body: { kind: 'Lease', metadata, spec: { holderIdentity: 'b', acquireTime } } };
    });
    await lead('a');
    expect(lease.current()?.holderIdentity).toMatch(/^a_/);
  });

  it('is not taken before the own duration is over, whatever duration somebody has written into it', async () => {
    const lease = keepLease();
    const first = await lead('a');
    const stop = new AbortController();
    const second = lead('b', stop.signal, { ...TIMING, durationMs: 60_000 });
    lease.touch({ ...lease.current(), leaseDurationSeconds: 0 });
    server.on('PUT', NAMED, { status: 409, body: { reason: 'Conflict' } });
    const reads = () => server.calls.filter(({ method }) => method === 'GET').length;
    while (reads() < 10) await new Promise((resolve) => setTimeout(resolve, 2));
    stop.abort();
    await expect(second).rejects.toThrow(/abort/i);
    expect(first.lost.aborted).toBe(false);
    const writers = server.calls.flatMap(({ method, body }) =>
      method === 'GET' ? [] : [(body as { spec: Spec }).spec],
    );
    expect(writers.map(({ holderIdentity }) => holderIdentity?.slice(0, 2))).not.toContain('b_');
  });

  it('is freed on release, so that the next need not wait', async () => {
    const lease = keepLease();
    const leadership = await lead('a');
    await leadership.release();
    expect(lease.current()).toMatchObject({ holderIdentity: '', leaseTransitions: 1 });
    held.pop();
  });

  it('is lost when somebody else has taken it', async () => {
    const lease = keepLease();
    const leadership = await lead('a');
    const lost = lostOf(leadership);
    lease.touch({ holderIdentity: 'b' });
    await lost;
    expect(lease.current()?.holderIdentity).toBe('b');
  });

  it('is kept when somebody only touched the object', async () => {
    const lease = keepLease();
    const leadership = await lead('a');
    lease.touch({ ...lease.current(), leaseTransitions: 5 });
    const calls = server.calls.length;
    while (server.calls.length < calls + 6) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(leadership.lost.aborted).toBe(false);
    expect(lease.current()).toMatchObject({ holderIdentity: expect.stringMatching(/^a_/), leaseTransitions: 5 });
  });

  it.each<[string, Reply]>([
    ['refuses', { status: 500, headers: { 'retry-after': '0.001' }, body: {} }],
    ['does not answer', 'hang'],
  ])('is given up in time when the server %s', async (_what, reply) => {
    keepLease();
    const leadership = await lead('a', undefined, { ...TIMING, renewMs: 100 });
    const lost = lostOf(leadership);
    server.on('PUT', NAMED, reply);
    await lost;
    expect(leadership.lost.aborted).toBe(true);
  });

  it('is never held by two, also not by two processes of one name', async () => {
    keepLease();
    const first = await lead('laptop');
    const stop = new AbortController();
    const second = lead('laptop', stop.signal, { ...TIMING, durationMs: 60_000 });
    const calls = server.calls.length;
    while (server.calls.length < calls + 10) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(first.lost.aborted).toBe(false);
    stop.abort();
    await expect(second).rejects.toThrow(/abort/i);
  });

  it('is given up in time also when a conflict comes and the read after it hangs', async () => {
    keepLease();
    const leadership = await lead('a', undefined, { ...TIMING, renewMs: 100 });
    const lost = lostOf(leadership);
    server.on('PUT', NAMED, { status: 409, body: { reason: 'Conflict' } });
    server.on('GET', NAMED, 'hang');
    await lost;
    expect((leadership.lost.reason as Error).message).toContain('not renewed in time');
  });

  it.each<[string, Reply]>([
    ['nothing', { body: {} }],
    ['null', { body: null }],
    ['a page', { body: '<html>welcome</html>' }],
    ['another object', { body: { kind: 'Status', status: 'Success' } }],
    [
      'a lease of somebody else',
      { body: { kind: 'Lease', metadata: { name: 'operator', resourceVersion: '9' }, spec: { holderIdentity: 'b' } } },
    ],
    ['a lease without its version', { body: { kind: 'Lease', metadata: { name: 'operator' }, spec: {} } }],
  ])('is not renewed by 200 with %s', async (_what, reply) => {
    keepLease();
    const leadership = await lead('a', undefined, { ...TIMING, renewMs: 100 });
    const lost = lostOf(leadership);
    server.on('PUT', NAMED, reply);
    await lost;
    expect((leadership.lost.reason as Error).message).toContain('not renewed in time');
  });

  it('is not taken on the word of an answer that is no lease', async () => {
    const metadata = { name: 'operator', resourceVersion: '9' };
    server.on(
      'GET',
      NAMED,
      { body: {} },
      { body: { metadata } },
      { body: { kind: 'Status', metadata } },
      { body: null },
    );
    server.on('PUT', NAMED, { body: {} });
    const stop = new AbortController();
    const leading = lead('a', stop.signal);
    while (server.calls.length < 5) await new Promise((resolve) => setTimeout(resolve, 2));
    stop.abort();
    await expect(leading).rejects.toThrow(/abort/i);
    expect(server.calls.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('is lost when somebody deletes it', async () => {
    keepLease();
    const leadership = await lead('a');
    const lost = lostOf(leadership);
    server.on('PUT', NAMED, { status: 404, body: {} });
    server.on('GET', NAMED, { status: 404, body: {} });
    await lost;
    expect((leadership.lost.reason as Error).message).toContain('deleted');
  });
});
