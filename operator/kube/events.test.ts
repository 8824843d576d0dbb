import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from './client.ts';
import { createRecorder, type EventNote, type EventRecorder } from './events.ts';

const PATH = '/apis/events.k8s.io/v1/namespaces/films/events';
const subject = { apiVersion: 'x/v1', kind: 'Film', namespace: 'films', name: 'storm', uid: 'u1' };
const note = (text: string): EventNote => ({
  type: 'Warning',
  reason: 'Unschedulable',
  action: 'Reconcile',
  note: text,
});

let server: ScriptedApiServer;
let client: KubeClient;
let recorder: EventRecorder;
let reports: string[];
let nowMs: number;
let elapsedMs: number;
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  reports = [];
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  elapsedMs = 0;
  const options = {
    client,
    controller: 'us',
    instance: 'us-1',
    now: () => new Date(nowMs),
    nowMs: () => elapsedMs,
    warn: (text: string) => reports.push(text),
  };
  recorder = createRecorder(options);
  server.on('POST', PATH, { status: 201, body: {} });
});
afterEach(async () => {
  await client.close();
  await server.close();
});

describe('the recorder', () => {
  it('writes an event about an object', async () => {
    recorder.record(subject, note('no node has 8 GPUs'));
    await recorder.flush();
    expect(server.calls[0]?.body).toEqual({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'storm.19b76daa800-0', namespace: 'films' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'us',
      reportingInstance: 'us-1',
      regarding: subject,
      type: 'Warning',
      reason: 'Unschedulable',
      action: 'Reconcile',
      note: 'no node has 8 GPUs',
    });
  });

  it('counts repetitions in the first event, and begins anew after a pause', async () => {
    recorder.record(subject, note('x'));
    await recorder.flush();
    const [{ body } = { body: {} }] = server.calls;
    const { name } = (body as { metadata: { name: string } }).metadata;
    server.on('PATCH', `${PATH}/${name}`, { body: {} });
    nowMs += 1000;
    elapsedMs += 1000;
    recorder.record(subject, note('x'));
    recorder.record(subject, note('x'));
    await recorder.flush();
    elapsedMs += 400_000;
    recorder.record(subject, note('x'));
    await recorder.flush();
    expect(server.calls.map((call) => [call.method, (call.body as { series?: object }).series])).toEqual([
      ['POST', undefined],
      ['PATCH', { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' }],
      ['PATCH', { count: 3, lastObservedTime: '2026-01-01T00:00:01.000000Z' }],
      ['POST', undefined],
    ]);
  });

  const again = async () => {
    recorder.record(subject, note('x'));
    await recorder.flush();
    return server.calls.at(-1)?.method;
  };

  it('writes an event whose first try failed when it happens again, and only then counts repetitions', async () => {
    server.on('POST', PATH, { status: 500, body: {} }, { status: 201, body: {} });
    server.on('PATCH', `${PATH}/storm.19b76daa800-1`, { body: {} });
    expect([await again(), await again(), await again()]).toEqual(['POST', 'POST', 'PATCH']);
  });

  it('writes an event that is gone anew when it happens again', async () => {
    server.on('PATCH', `${PATH}/storm.19b76daa800-0`, { status: 404, body: {} });
    expect([await again(), await again(), await again()]).toEqual(['POST', 'PATCH', 'POST']);
  });

  it('is not silenced by a clock that was put back by a day, nor goes on with a series for a day', async () => {
    await again();
    nowMs -= 24 * 3_600_000;
    elapsedMs += 400_000;
    expect(await again()).toBe('POST');
    recorder.record(subject, note('y'));
    await recorder.flush();
    expect(server.calls.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST']);
  });

  it('gives each object a budget', async () => {
    for (let i = 0; i < 60; i += 1) recorder.record(subject, note(`n${i}`));
    recorder.record({ ...subject, uid: 'u2' }, note('other'));
    await recorder.flush();
    expect(server.calls.length).toBe(26);
  });

  it('cuts long notes', async () => {
    recorder.record(subject, note('x'.repeat(5000)));
    await recorder.flush();
    expect(server.calls[0]?.body).toMatchObject({ note: `${'x'.repeat(1023)}…` });
  });

  it('reports a refusal and goes on; of a namespace that is going away it says nothing', async () => {
    const leaving = { status: 403, body: { details: { causes: [{ reason: 'NamespaceTerminating' }] } } };
    server.on('POST', PATH, { status: 403, body: { message: 'no' } }, leaving, { status: 201, body: {} });
    for (const text of ['a', 'b', 'c']) recorder.record(subject, note(text));
    await recorder.flush();
    expect(reports).toEqual([
      'event Unschedulable: POST /apis/events.k8s.io/v1/namespaces/films/events answered 403: no',
    ]);
    expect(server.calls.length).toBe(3);
  });

  it('writes nothing after its signal, not even what was recorded before', async () => {
    const lost = new AbortController();
    const bounded = createRecorder({ client, controller: 'us', instance: 'us-1', signal: lost.signal });
    for (let i = 0; i < 20; i += 1) bounded.record({ ...subject, uid: `u${i}` }, note('x'));
    lost.abort();
    await bounded.flush();
    expect(server.calls).toEqual([]);
  });
});
