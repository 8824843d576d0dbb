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

let server: ScriptedApiServer;
let client: KubeClient;
let clock: number;
let authenticate: Authenticate;
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  clock = 0;
  authenticate = createAuthenticate(client, () => clock);
});
afterEach(async () => {
  await client.close();
  await server.close();
});

describe('a token', () => {
  it.each([
    ['of a pod tells which', good, 'pod-1'],
    ['that the API server does not know is refused', { authenticated: false, error: 'expired' }, undefined],
    ['of another audience is refused', { ...good, audiences: ['https://kubernetes.default.svc'] }, undefined],
    [
      'without audiences, as from an API server that does not check them, is refused',
      { ...good, audiences: undefined },
      undefined,
    ],
    ['of a person is refused', { ...good, user: { username: 'admin' } }, undefined],
  ])('%s', async (_what, status, expected) => {
    server.on('POST', PATH, review(status));
    expect(await authenticate('token')).toBe(expected);
    expect(server.calls[0]?.body).toMatchObject({ spec: { token: 'token', audiences: ['dualparal-progress'] } });
  });

  it('is reviewed once a minute, however often it comes and from how many calls at once', async () => {
    server.on('POST', PATH, review(good));
    await Promise.all([authenticate('token'), authenticate('token')]);
    clock = 59_999;
    await authenticate('token');
    expect(server.calls.length).toBe(1);
    clock = 60_001;
    await authenticate('token');
    expect(server.calls.length).toBe(2);
  });

  it('is reviewed again after a review that failed', async () => {
    server.on('POST', PATH, { status: 503, body: {} }, review(good));
    await expect(authenticate('token')).rejects.toThrow('503');
    expect(await authenticate('token')).toBe('pod-1');
  });
});
