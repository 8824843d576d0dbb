import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
const review = (status: object) => ({ status: 201, body: { status } });
const good = {
  authenticated: true,
  audiences: ['dualparal-progress'],
  user: {
    username: 'system:serviceaccount:films:default',
    extra: { 'authentication.kubernetes.io/pod-uid': ['pod-1'] },
  },
};

const CLOCK = Date.parse('2026-01-01T00:00:00Z');
const claims = (changed: object = {}) => ({
  iss: 'https://kubernetes.default.svc',
  sub: 'system:serviceaccount:films:default',
  aud: ['dualparal-progress'],
  exp: CLOCK / 1000 + 3600,
  'kubernetes.io': {
    namespace: 'films',
    pod: { name: 'storm-1', uid: 'pod-1' },
    serviceaccount: { name: 'default', uid: 's' },
  },
  ...changed,
});
const bound = (changed: object) => ({ 'kubernetes.io': { ...claims()['kubernetes.io'], ...changed } });
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (changed: object = {}, signature = 'good') =>
  `${part({ alg: 'RS256' })}.${part(claims(changed))}.${signature}`;

let server: ScriptedApiServer;
let client: KubeClient;
let clock: number;
let authenticate: Authenticate;
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  clock = 0;
  authenticate = createAuthenticate({
    client,
    podOf: (uid) => (uid === 'pod-1' ? { namespace: 'films', name: 'storm-1' } : undefined),
    nowMs: () => clock,
    clockMs: () => CLOCK + clock,
  });
});
afterEach(async () => {
  await client.close();
  await server.close();
});
const judge = (token: string, sender = '10.0.0.1') => authenticate(token, sender);

describe('a token', () => {
  it.each([
    ['of a pod tells which', good, { podUid: 'pod-1' }],
    ['that the API server does not know is refused', { authenticated: false, error: 'expired' }, 'refused'],
    ['of another audience is refused', { ...good, audiences: ['https://kubernetes.default.svc'] }, 'refused'],
    [
      'without audiences, as from an API server that does not check them, is refused',
      { ...good, audiences: undefined },
      'refused',
    ],
    ['of a person is refused', { ...good, user: { username: 'admin' } }, 'refused'],
    [
      'of another pod than it says is refused',
      { ...good, user: { extra: { 'authentication.kubernetes.io/pod-uid': ['pod-2'] } } },
      'refused',
    ],
  ])('%s', async (_what, status, expected) => {
    server.on('POST', PATH, review(status));
    expect(await judge(tokenOf())).toEqual(expected);
    expect(server.calls[0]?.body).toMatchObject({ spec: { token: tokenOf(), audiences: ['dualparal-progress'] } });
  });

  it.each([
    ['that is no JSON Web Token', 'bogus', 'refused'],
    ['with empty parts', '..', 'refused'],
    ['whose claims are not JSON', `a.${Buffer.from('{').toString('base64url')}.c`, 'refused'],
    ['whose claims are null', `a.${part(null)}.c`, 'refused'],
    ['of another audience', tokenOf({ aud: ['https://kubernetes.default.svc'] }), 'refused'],
    ['that has expired', tokenOf({ exp: CLOCK / 1000 - 3600 }), 'refused'],
    ['without an issuer', tokenOf({ iss: '' }), 'refused'],
    ['of another service account than its pod', tokenOf({ sub: 'system:serviceaccount:other:default' }), 'refused'],
    ['bound to no pod', tokenOf(bound({ pod: undefined })), 'refused'],
    ['of a pod that is not at work', tokenOf(bound({ pod: { name: 'storm-1', uid: 'pod-9' } })), 'stranger'],
    ['of a pod of that uid by another name', tokenOf(bound({ pod: { name: 'x', uid: 'pod-1' } })), 'stranger'],
    [
      'of a pod of that uid in another namespace',
      tokenOf({ ...bound({ namespace: 'other' }), sub: 'system:serviceaccount:other:default' }),
      'stranger',
    ],
    ['of megabytes', `${'a'.repeat(1_000_000)}.b.c`, 'refused'],
  ])('%s never reaches the API server', async (_what, token, expected) => {
    expect(await judge(token)).toBe(expected);
    expect(server.calls).toEqual([]);
  });

  it('is reviewed once in ten minutes, however often it comes and from how many calls at once', async () => {
    server.on('POST', PATH, review(good));
    await Promise.all([judge(tokenOf()), judge(tokenOf())]);
    clock = 599_999;
    await judge(tokenOf());
    expect(server.calls.length).toBe(1);
    clock = 600_001;
    await judge(tokenOf());
    expect(server.calls.length).toBe(2);
  });

  it('is reviewed again after a review that failed', async () => {
    server.on('POST', PATH, { status: 503, body: {} }, review(good));
    await expect(judge(tokenOf())).rejects.toThrow('503');
    expect(await judge(tokenOf())).toEqual({ podUid: 'pod-1' });
  });
});

describe('a flood of forged tokens', () => {
  it('costs the API server no more than its sender may ask for, and does not push the good one out', async () => {
    server.on('POST', PATH, (call) => ({
      status: 201,
      body: { status: (call.body as { spec: { token: string } }).spec.token === tokenOf() ? good : {} },
    }));
    await judge(tokenOf());
    for (let i = 0; i < 5000; i += 1) await judge(tokenOf({}, `bad${i}`), '10.0.0.2');
    expect(server.calls.length).toBeLessThanOrEqual(101);
    const reviews = server.calls.length;
    expect(await judge(tokenOf())).toEqual({ podUid: 'pod-1' });
    expect(await judge(tokenOf({}, 'bad-new'), '10.0.0.3')).toBe('refused');
    expect(server.calls.length).toBe(reviews + 1);
  });

  it('of many senders finds a few places, so that what waits for the API server is bounded', async () => {
    server.on('POST', PATH, 'hang');
    const verdicts: unknown[] = [];
    for (let i = 0; i < 200; i += 1)
      void judge(tokenOf({}, `bad${i}`), `10.0.1.${i}`).then(
        (verdict) => verdicts.push(verdict),
        () => {},
      );
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(verdicts.filter((verdict) => verdict === 'busy').length).toBe(200 - 8 - 64);
  });
});
