import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { apply, createOwned } from './apply.ts';
import { type KubeClient, openPlainClient } from './client.ts';
import { ApiError, type FailureKind } from './failure.ts';
import { JOBS } from './resource.ts';

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

const jobOf = (ownerUid: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    name: 'j',
    namespace: 'a',
    ownerReferences: [{ apiVersion: 'v1', kind: 'Film', name: 'f', uid: ownerUid, controller: true }],
  },
});
/** The same as the API server gives it. */
const madeOf = (ownerUid: string) => {
  const object = jobOf(ownerUid);
  return { ...object, metadata: { ...object.metadata, uid: 'j-1', resourceVersion: '7' } };
};
type Owner = { readonly uid: string; readonly name?: string; readonly kind?: string } | undefined;
const taken = { status: 409, body: { code: 409, reason: 'AlreadyExists', message: 'already exists' } };
const JOBS_PATH = '/apis/batch/v1/namespaces/a/jobs';
const create = () => createOwned(client, JOBS, jobOf('me'), { fieldOwner: 'us' });

describe('createOwned', () => {
  it('creates', async () => {
    server.on('POST', JOBS_PATH, { status: 201, body: madeOf('me') });
    expect(await create()).toEqual({ object: madeOf('me'), created: true });
    expect(server.calls.map(({ method, query }) => ({ method, query }))).toEqual([
      { method: 'POST', query: { fieldManager: 'us', fieldValidation: 'Strict' } },
    ]);
  });

  it.each([
    ['a Status', { kind: 'Status', metadata: {} }],
    ['what was sent', jobOf('me')],
    ['another Job', { ...madeOf('me'), metadata: { ...madeOf('me').metadata, name: 'k' } }],
  ])('takes 200 with %s for a failure that passes', async (_what, body) => {
    server.on('POST', JOBS_PATH, { body });
    const error = await create().catch((thrown: unknown) => thrown);
    expect(error instanceof ApiError ? error.failure.kind : error).toBe('retry');
  });

  it('takes what an earlier try has made', async () => {
    server.on('POST', JOBS_PATH, taken);
    server.on('GET', `${JOBS_PATH}/j`, { body: madeOf('me') });
    expect(await create()).toEqual({ object: madeOf('me'), created: false });
  });

  it.each<[string, Owner, string, FailureKind | undefined]>([
    ['an earlier owner of that name has left', { uid: 'before' }, 'is left from an earlier Film', 'conflict'],
    ['an owner of that name and another kind has left', { uid: 'x', kind: 'Job' }, 'somebody else', undefined],
    ['an owner of another name has left', { uid: 'x', name: 'g' }, 'somebody else', undefined],
    ['nobody owns', undefined, 'somebody else', undefined],
  ])('leaves alone what %s, and says whether that passes', async (_what, owner, message, kind) => {
    const ours = jobOf('me').metadata.ownerReferences[0];
    const owners = owner === undefined ? [] : [{ ...ours, ...owner }];
    const left = { ...madeOf('me'), metadata: { ...madeOf('me').metadata, ownerReferences: owners } };
    server.on('POST', JOBS_PATH, taken);
    server.on('GET', `${JOBS_PATH}/j`, { body: left });
    const error = await create().catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(message);
    expect(error instanceof ApiError ? error.failure.kind : undefined).toBe(kind);
    expect(server.calls.map((call) => call.method)).toEqual(['POST', 'GET']);
  });

  it('passes on every other refusal', async () => {
    server.on('POST', JOBS_PATH, { status: 403, body: { message: 'exceeded quota' } });
    await expect(create()).rejects.toThrow('answered 403: exceeded quota');
  });
});

describe('apply', () => {
  it('sends an apply patch that takes all its fields', async () => {
    server.on('PATCH', `${JOBS_PATH}/j/status`, { body: {} });
    const object = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'j', namespace: 'a', uid: 'u' },
      status: { x: 1 },
    };
    await apply(client, JOBS, object, { fieldOwner: 'us', subresource: 'status' });
    expect(server.calls).toEqual([
      {
        method: 'PATCH',
        path: `${JOBS_PATH}/j/status`,
        query: { fieldManager: 'us', force: 'true', fieldValidation: 'Strict' },
        contentType: 'application/apply-patch+yaml',
        body: object,
      },
    ]);
  });
});
