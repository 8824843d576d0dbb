import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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
  iat: CLOCK / 1000,
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
    podOf: (uid) =>
      /^pod-[1-8]\d?$/.test(uid) ? { namespace: 'films', name: uid.replace('pod', 'storm') } : undefined,
    nowMs: () => clock,
  });
});
afterEach(async () => {
  vi.useRealTimers();
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
    ['that ends before it begins', tokenOf({ exp: CLOCK / 1000 - 3600 }), 'refused'],
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

  it('of a short life is reviewed again after that life, counted from its review', async () => {
    server.on('POST', PATH, review(good));
    const short = tokenOf({ exp: CLOCK / 1000 + 60 });
    for (clock of [0, 59_999]) await judge(short);
    expect(server.calls.length).toBe(1);
    clock = 60_001;
    await judge(short);
    expect(server.calls.length).toBe(2);
  });

  it('that a review refused is refused for a minute without another', async () => {
    server.on('POST', PATH, review({}));
    for (clock of [0, 30_000, 59_999]) expect(await judge(tokenOf())).toBe('refused');
    expect(server.calls.length).toBe(1);
    clock = 60_001;
    expect(await judge(tokenOf())).toBe('refused');
    expect(server.calls.length).toBe(2);
  });

  it('is reviewed again after a review that failed', async () => {
    server.on('POST', PATH, { status: 503, body: {} }, review(good));
    await expect(judge(tokenOf())).rejects.toThrow('503');
    expect(await judge(tokenOf())).toEqual({ podUid: 'pod-1' });
  });
});

describe('the clock of the operator', () => {
  it.each([-70, -10, 0, 10, 50, 59, 60, 61, 70, 525_600])(
    'may be %s minutes ahead: the review tells whether a token has ended, and is remembered all the same',
    async (minutes) => {
      vi.useFakeTimers({ toFake: ['Date'], now: CLOCK + minutes * 60_000 });
      server.on('POST', PATH, review(good));
      for (const exp of [CLOCK / 1000 + 3600, CLOCK / 1000 + 480]) {
        const reviews = server.calls.length;
        for (let second = 0; second < 60; second += 1) {
          clock += 1000;
          expect(await judge(tokenOf({ exp, iat: exp - 3600 }))).toEqual({ podUid: 'pod-1' });
        }
        expect(server.calls.length).toBe(reviews + 1);
      }
    },
  );
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

describe('runners behind the address of somebody who floods', () => {
  const RUNNERS = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `pod-${number}`);
  const ofPod = (uid: string, signature?: string) =>
    tokenOf(bound({ pod: { name: uid.replace('pod', 'storm'), uid } }), signature);
  /** The API server knows the runners' own tokens, and no other. */
  const knowsTheirs = () =>
    server.on('POST', PATH, (call) => {
      const { token } = (call.body as { spec: { token: string } }).spec;
      const uid = RUNNERS.find((runner) => ofPod(runner) === token);
      const user = { extra: { 'authentication.kubernetes.io/pod-uid': [uid] } };
      return { status: 201, body: { status: uid === undefined ? {} : { ...good, user } } };
    });
  const heard = () => Promise.all(RUNNERS.map((runner) => judge(ofPod(runner))));
  const allOfThem = RUNNERS.map((podUid) => ({ podUid }));

  it.each<[string, (i: number) => string, string]>([
    ['words that are no token', (i) => `x${i}`, 'refused'],
    ['tokens of another audience', (i) => tokenOf({ aud: ['vault'] }, `x${i}`), 'refused'],
    ['tokens of pods that nobody knows', (i) => ofPod(`x-${i}`), 'stranger'],
    ['one token of a pod that nobody knows', () => ofPod('x'), 'stranger'],
  ])('are heard at their first report, however many %s come', async (_what, token, answer) => {
    knowsTheirs();
    const verdicts = new Set<unknown>();
    for (let i = 0; i < 6000; i += 1) verdicts.add(await judge(token(i)));
    expect(verdicts).toEqual(new Set([answer]));
    expect(server.calls).toEqual([]);
    expect(await heard()).toEqual(allOfThem);
    // Nothing of a flood is kept in place of what reviews have said.
    expect(await judge(ofPod('pod-1', 'forged'))).toBe('refused');
    for (let i = 0; i < 6000; i += 1) await judge(token(i));
    expect(await judge(ofPod('pod-1', 'forged'))).toBe('refused');
    expect(await heard()).toEqual(allOfThem);
    expect(server.calls.length).toBe(RUNNERS.length + 1);
  });

  it('are heard although forged tokens of one of them are many: these take the part of that one alone', async () => {
    knowsTheirs();
    for (let i = 0; i < 3000; i += 1) {
      clock = i / 3;
      await judge(ofPod('pod-1', `forged${i}`));
    }
    expect(server.calls.length).toBeLessThanOrEqual(12);
    expect((await heard()).slice(1)).toEqual(allOfThem.slice(1));
  });

  it('are heard although one token that the API server refused comes again and again', async () => {
    knowsTheirs();
    for (let i = 0; i < 3000; i += 1) expect(await judge(ofPod('pod-1', 'forged'))).toBe('refused');
    expect(server.calls.length).toBe(1);
    expect(await heard()).toEqual(allOfThem);
  });

  it('cost no more reviews than one address may ask for, however many of them the forged tokens name', async () => {
    knowsTheirs();
    for (let i = 0; i < 3000; i += 1) await judge(ofPod(`pod-${10 + (i % 70)}`, `forged${i}`));
    expect(server.calls.length).toBe(100);
  });
});
