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
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  reports = [];
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  const options = {
    client,
    controller: 'us',
    instance: 'us-1',
    now: () => new Date(nowMs),
    report: (text: string) => reports.push(text),
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
    recorder.record(subject, note('x'));
    recorder.record(subject, note('x'));
    await recorder.flush();
    nowMs += 400_000;
    recorder.record(subject, note('x'));
    await recorder.flush();
    expect(server.calls.map((call) => [call.method, (call.body as { series?: object }).series])).toEqual([
      ['POST', undefined],
      ['PATCH', { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' }],
      ['PATCH', { count: 3, lastObservedTime: '2026-01-01T00:00:01.000000Z' }],
      ['POST', undefined],
    ]);
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
});
