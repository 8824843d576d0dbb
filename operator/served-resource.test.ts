import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Reply, type ScriptedApiServer, startScriptedApiServer } from '../test/double/api-server.ts';
import { resourceSchema } from './api/crd.ts';
import { type KubeClient, openPlainClient } from './kube/client.ts';
import { untilServed } from './served-resource.ts';

const PATH = '/openapi/v3/apis/dualparal.io/v1alpha1';

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

interface Root {
  readonly properties: Readonly<Record<'spec' | 'status', { readonly properties: Record<string, unknown> }>>;
}

/** What the API server serves where `part` lacks these fields. */
function without(part: 'spec' | 'status', ...fields: readonly string[]): Reply {
  const schema = structuredClone(resourceSchema()) as unknown as Root;
  for (const field of fields) delete schema.properties[part].properties[field];
  const group = { group: 'dualparal.io', version: 'v1alpha1', kind: 'VideoGeneration' };
  const list = { 'x-kubernetes-group-version-kind': [{ ...group, kind: 'VideoGenerationList' }] };
  const kind = { ...schema, 'x-kubernetes-group-version-kind': [group] };
  return { body: { components: { schemas: { List: list, Film: kind } } } };
}

async function told(signal = new AbortController().signal): Promise<readonly string[]> {
  const sentences: string[] = [];
  await untilServed({ client, signal, old: (sentence) => sentences.push(sentence), lookAgainMs: 1 });
  return sentences;
}

describe('an operator that starts', () => {
  it('goes to work at once where the cluster serves the resource that it knows', async () => {
    server.on('GET', PATH, without('status'));
    expect(await told()).toEqual([]);
  });

  it('waits as long as the resource lacks fields of the status, and says which and what to do', async () => {
    server.on('GET', PATH, without('status', 'usage', 'checkpoint'), without('status', 'usage'), without('status'));
    const sentences = await told();
    expect(sentences).toHaveLength(2);
    expect(sentences[0]).toMatch(
      /^E_OPERATOR_CRD_OLD: .* without status\.(checkpoint, status\.usage|usage, status\.checkpoint): install/,
    );
    expect(sentences[1]).toContain('without status.usage: install');
  });

  it('tells of fields that the spec lacks, and goes to work all the same', async () => {
    server.on('GET', PATH, without('spec', 'checkpoint'));
    expect(await told()).toEqual([expect.stringContaining('without spec.checkpoint: install')]);
  });

  it('names five fields of many', async () => {
    server.on(
      'GET',
      PATH,
      without('status', ...Object.keys((resourceSchema() as unknown as Root).properties.status.properties)),
      without('status'),
    );
    expect((await told())[0]).toMatch(/without status\.\w+(, status\.\w+){4} and \d+ more: install/);
  });

  it.each<[string, Reply]>([
    ['may not be read', { status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden' } }],
    ['is not there', { status: 404, body: {} }],
    ['is no document', { body: [1] }],
    ['tells of another kind', { body: { components: { schemas: { Film: { properties: {} } } } } }],
  ])('holds nothing against a cluster whose document of what it serves %s', async (_what, reply) => {
    server.on('GET', PATH, reply);
    expect(await told()).toEqual([]);
  });

  it('stops waiting when it is told to stop', async () => {
    server.on('GET', PATH, without('status', 'usage'));
    const stop = new AbortController();
    const waiting = untilServed({ client, signal: stop.signal, old: () => stop.abort() });
    await expect(waiting).rejects.toThrow();
  });
});
