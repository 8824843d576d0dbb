import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { keptAuthority } from './authority.ts';
import { createAuthority, createServerCertificate, type KeyAndCertificate, nameOfAuthority } from './certificate.ts';

const PATH = '/api/v1/namespaces/system/secrets';
const NAMED = `${PATH}/progress`;
const now = new Date('2026-01-01T00:00:00Z');
const secretOf = ({ key, cert }: KeyAndCertificate) => ({
  metadata: { name: 'progress', namespace: 'system', resourceVersion: '5' },
  data: { 'tls.key': Buffer.from(key).toString('base64'), 'tls.crt': Buffer.from(cert).toString('base64') },
});

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
const kept = () => keptAuthority(client, { namespace: 'system', name: 'progress' }, now);
const methods = () => server.calls.map((call) => call.method);

describe('the kept authority', () => {
  it('is the one of the Secret, so that pods which trust it go on doing so', async () => {
    const pair = createAuthority(nameOfAuthority, now);
    server.on('GET', NAMED, { body: secretOf(pair) });
    expect(await kept()).toEqual(pair);
    expect(methods()).toEqual(['GET']);
  });

  it('is made and kept if there is none', async () => {
    server.on('POST', PATH, { status: 201, body: {} });
    const made = await kept();
    expect(server.calls[1]?.body).toMatchObject({
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      data: secretOf(made).data,
    });
  });

  it('is made anew, on top of the version that was read, before the old one ends', async () => {
    const old = createAuthority(nameOfAuthority, new Date('2016-06-01T00:00:00Z'));
    server.on('GET', NAMED, { body: secretOf(old) });
    server.on('PUT', NAMED, { body: {} });
    expect(await kept()).not.toEqual(old);
    expect(server.calls[1]?.body).toMatchObject({ metadata: { resourceVersion: '5' } });
  });

  const one = createAuthority(nameOfAuthority, now);
  const other = createAuthority(nameOfAuthority, now);
  it.each<[string, KeyAndCertificate]>([
    ['nothing', { key: '', cert: '' }],
    ['a certificate that was cut off', { key: one.key, cert: one.cert.slice(0, 200) }],
    ['something else for a key', { key: 'garbage', cert: one.cert }],
    ['key and certificate of two authorities', { key: one.key, cert: other.cert }],
    ['the certificate of a server', createServerCertificate(one, 'operator.test', now)],
  ])('is made anew if the Secret holds %s', async (_what, held) => {
    server.on('GET', NAMED, { body: secretOf(held) });
    server.on('PUT', NAMED, { body: {} });
    expect(await kept()).not.toEqual(held);
    expect(methods()).toEqual(['GET', 'PUT']);
  });

  it('is that of another replica which was quicker', async () => {
    const theirs = createAuthority(nameOfAuthority, now);
    server.on('GET', NAMED, { status: 404, body: {} }, { body: secretOf(theirs) });
    server.on('POST', PATH, { status: 409, body: { reason: 'AlreadyExists' } });
    expect(await kept()).toEqual(theirs);
    expect(methods()).toEqual(['GET', 'POST', 'GET']);
  });
});
