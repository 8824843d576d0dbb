/** Leadership as seen from the API server: by real processes, which must not be heard of after they have lost it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { job } from '../test/build/job.ts';
import { progressRecord } from '../test/build/observed.ts';
import { pod, running } from '../test/build/pod.ts';
import { videoGeneration, withMetadata, withSpec } from '../test/build/video-generation.ts';
import { type ReceivedCall, type ScriptedApiServer, startScriptedApiServer } from '../test/double/api-server.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/dualparal-system/leases';
const LEASE = `${LEASES}/dualparal-operator`;
const FILMS = '/apis/dualparal.io/v1alpha1';
const IN_NAMESPACE = '/namespaces/films';
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const EVENTS = `/apis/events.k8s.io/v1${IN_NAMESPACE}/events`;
const hostPath = withSpec({ model: { ref: 'tiny', source: { hostPath: { path: '/models' } } } });
const broken = videoGeneration(withMetadata({ name: 'broken', uid: 'broken', resourceVersion: '11' }), hostPath);

let folder: string;
let server: ScriptedApiServer;
let processes: ChildProcess[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-leadership-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  processes = [];
  server = await startScriptedApiServer();
  const list = (...items: readonly object[]) => ({ body: { metadata: { resourceVersion: '1000' }, items } });
  const atWork = [job(1), pod(1, running)] as const;
  server.on('GET', `${FILMS}/videogenerations`, list(videoGeneration(), broken));
  server.on('GET', '/apis/batch/v1/jobs', list(atWork[0]));
  server.on('GET', '/api/v1/pods', list(atWork[1]));
  server.on('GET', '/api/v1/events', list());
  server.on('POST', '/api/v1/namespaces/dualparal-system/secrets', { status: 201, body: {} });
  // One film's status waits for its answer for ever, and so do an event and the review of a token.
  server.on('PATCH', `${FILMS}${IN_NAMESPACE}/videogenerations/lighthouse/status`, 'hang');
  server.on('GET', `${FILMS}${IN_NAMESPACE}/videogenerations/broken`, { body: broken });
  server.on('PATCH', `${FILMS}${IN_NAMESPACE}/videogenerations/broken/status`, (call) => ({
    body: {
      ...broken,
      metadata: { ...broken.metadata, resourceVersion: '1001' },
      status: (call.body as { status: object }).status,
    },
  }));
  server.on('POST', EVENTS, 'hang');
  server.on('POST', REVIEWS, 'hang');
});
afterEach(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await server.close();
});

/** Keeps the lease as the API server does; gives its holders, of the writes that were not refused. */
function keepLease(): readonly string[] {
  const holders: string[] = [];
  let stored: object | undefined;
  let version = 1;
  const body = () => ({
    kind: 'Lease',
    metadata: { name: 'dualparal-operator', namespace: 'dualparal-system', resourceVersion: String(version) },
    spec: stored,
  });
  const put = (call: ReceivedCall) => {
    const sent = call.body as { metadata: { resourceVersion?: string }; spec: { holderIdentity: string } };
    const isOld = call.method === 'PUT' ? sent.metadata.resourceVersion !== String(version) : stored !== undefined;
    if (isOld) return { status: 409, body: { reason: call.method === 'PUT' ? 'Conflict' : 'AlreadyExists' } };
    stored = sent.spec;
    holders.push(sent.spec.holderIdentity);
    version += 1;
    return { body: body() };
  };
  server.on('GET', LEASE, () => (stored === undefined ? { status: 404, body: {} } : { body: body() }));
  server.on('PUT', LEASE, put);
  server.on('POST', LEASES, put);
  return holders;
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, 'close');
  return port;
}

/** An operator against the server; `ended` gives its exit code. */
function startOperator(progressPort: number) {
  const kubeconfig = join(folder, `kubeconfig-${processes.length}`);
  const named = { name: 'test' };
  const cluster = { server: server.origin, 'insecure-skip-tls-verify': true };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test', clusters: [{ ...named, cluster }] },
      ...{ users: [{ ...named, user: {} }], contexts: [{ ...named, context: { cluster: 'test', user: 'test' } }] },
    }),
  );
  const flags = ['--runner-image', 'x', '--progress-port', String(progressPort), '--health-port', '0'];
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...flags], { env, stdio: 'pipe' });
  processes.push(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { child, ended, log: () => log, leads: () => log.includes('"msg":"leading"') };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const started = performance.now(); !holds(); await sleep(10))
    if (performance.now() - started > 60_000) throw new Error(`waited in vain for ${what}`);
}
const sent = (method: string, path: string) => () =>
  server.calls.some((call) => call.method === method && call.path.startsWith(path));
const ofLease = ({ path }: ReceivedCall) => path.startsWith(LEASES);

/** A token that says that it is of the pod at work. */
function token(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    ...{
      iss: 'x',
      sub: 'system:serviceaccount:films:default',
      aud: ['dualparal-progress'],
      exp: Date.now() / 1000 + 3600,
    },
    'kubernetes.io': {
      namespace: 'films',
      pod: { name: pod(1).metadata.name, uid: 'pod-1' },
      serviceaccount: { name: 'default' },
    },
  };
  return `${part({ alg: 'RS256' })}.${part(claims)}.x`;
}

/** An operator that leads and has everything under way that there is: writes, events, reviews, watches. */
async function busyOperator() {
  keepLease();
  const port = await freePort();
  const operator = startOperator(port);
  await until('the lease', operator.leads);
  await until('a status write', sent('PATCH', `${FILMS}${IN_NAMESPACE}/videogenerations/lighthouse`));
  await until('an event', sent('POST', EVENTS));
  const headers = { authorization: `Bearer ${token()}` };
  const report = request({
    host: '127.0.0.1',
    port,
    path: '/v1/progress',
    method: 'POST',
    headers,
    rejectUnauthorized: false,
  });
  report.on('error', () => {});
  report.end(JSON.stringify(progressRecord()));
  await until('a review', sent('POST', REVIEWS));
  return operator;
}

it('an operator whose lease was taken sends nothing any more, and ends', async () => {
  const operator = await busyOperator();
  let atLoss = Number.NaN;
  const metadata = { name: 'dualparal-operator', resourceVersion: '99' };
  const taken = { kind: 'Lease', metadata, spec: { holderIdentity: 'other' } };
  server.on('PUT', LEASE, { status: 409, body: { reason: 'Conflict' } });
  server.on('GET', LEASE, () => {
    atLoss = server.calls.length;
    return { body: taken };
  });
  expect(await operator.ended).toBe(1);
  expect(operator.log()).toContain('the lease was taken by other');
  expect(server.calls.slice(atLoss)).toEqual([]);
});

it('an operator that hears nothing of its renewals stops sending before others may take the lease', async () => {
  const operator = await busyOperator();
  server.on('PUT', LEASE, 'hang');
  const from = server.calls.length;
  expect(await operator.ended).toBe(1);
  expect(operator.log()).toContain('not renewed in time');
  expect(server.calls.slice(from).filter((call) => !ofLease(call))).toEqual([]);
});

it('an operator that stood still for longer than its lease sends nothing when it goes on', async () => {
  const operator = await busyOperator();
  const renewals = () => server.calls.filter(ofLease).length;
  const before = renewals();
  await until('a renewal', () => renewals() > before);
  await sleep(200);
  operator.child.kill('SIGSTOP');
  const from = server.calls.length;
  const streams = await Promise.all(
    [`${FILMS}/videogenerations`, '/apis/batch/v1/jobs', '/api/v1/pods'].map(server.watch),
  );
  // News that would be acted upon, and watches that would be opened again.
  const late = { ...broken, metadata: { ...broken.metadata, name: 'late', uid: 'late', resourceVersion: '2000' } };
  await streams[0]?.send('ADDED', late);
  await sleep(11_000);
  for (const stream of streams) stream.reset();
  operator.child.kill('SIGCONT');
  expect(await operator.ended).toBe(1);
  expect(server.calls.slice(from)).toEqual([]);
});

it('of two operators of one name on one machine, one leads, and the other when the first has gone', async () => {
  const holders = keepLease();
  const operators = [startOperator(await freePort()), startOperator(await freePort())];
  await until('a leader', () => operators.some(({ leads }) => leads()));
  const first = operators.find(({ leads }) => leads());
  const second = operators.find((operator) => operator !== first);
  await until('the other to have filled its caches', () => second?.log().includes('caches are filled') === true);
  const looks = () => server.calls.filter((call) => ofLease(call) && call.method === 'GET').length;
  const before = looks();
  await until('the other to have looked again and again', () => looks() > before + 5);
  expect(operators.map(({ leads }) => leads()).filter(Boolean)).toEqual([true]);
  first?.child.kill('SIGTERM');
  await until('the other to lead', () => second?.leads() === true);
  const changes = holders.filter((holder, i) => holder !== holders[i - 1]);
  // The first, nobody, the second: never one in between the other.
  expect(changes).toEqual([expect.stringMatching(/_/), '', expect.stringMatching(/_/)]);
  expect(await first?.ended).toBe(0);
});
