import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { observed, sourcesOf } from '../../test/build/observed.ts';
import { ended, pod, succeededResult } from '../../test/build/pod.ts';
import { videoGeneration, withMetadata, withStatus } from '../../test/build/video-generation.ts';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';
import { writeStatus } from './write-status.ts';

const FILM = '/apis/dualparal.io/v1alpha1/namespaces/films/videogenerations/lighthouse';
const STATUS = `${FILM}/status`;
const NOW = Date.parse('2026-01-01T00:30:00Z');
const CONFLICT = { status: 409, body: { reason: 'Conflict', message: 'the object has been modified' } };
const made = { jobs: [job(1, withEnd('Complete'))], pods: [pod(1, ended(0, succeededResult))] };
const before = observed({ ...made, live: true });
const settlement = settle(decide(before, NOW), []);
const told = settlement.events.map(({ reason }) => reason);
const changed = (film: VideoGeneration) => withMetadata({ resourceVersion: '2001' })(film);

let server: ScriptedApiServer;
let client: KubeClient;
let events: string[];
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  events = [];
});
afterEach(async () => {
  await client.close();
  await server.close();
});

/** Writes, and gives what came of it and the version that the cache knows then. */
const write = async () => {
  const sources = sourcesOf({});
  const recorder = { record: (_subject: unknown, note: { reason: string }) => void events.push(note.reason) };
  const options = {
    client,
    sources,
    recorder: { ...recorder, flush: async () => {} },
    signal: new AbortController().signal,
  };
  return [
    await writeStatus(before, settlement, options),
    sources.resources.get('films/lighthouse')?.metadata.resourceVersion,
  ];
};

describe('a status that is refused because the film has changed', () => {
  it('was written where the answer to the first try was lost: its events are told', async () => {
    let film = videoGeneration();
    server.on('GET', FILM, () => ({ body: film }));
    const takes = ({ body }: { body: unknown }) => {
      film = changed({ ...film, status: (body as Required<VideoGeneration>).status });
      return 'reset' as const;
    };
    server.on('PATCH', STATUS, takes, CONFLICT);
    expect(await write()).toEqual(['written', '2001']);
    expect(events).toEqual(told);
    expect(events).toContain('FilmReady');
  });

  it('is decided anew where something else has changed: nothing is told', async () => {
    const other = { ...settlement.status, reason: 'SomebodyElse' };
    server.on('GET', FILM, { body: changed(withStatus(other as never)(videoGeneration())) });
    server.on('PATCH', STATUS, CONFLICT);
    expect([await write(), events]).toEqual([['again', '2001'], []]);
  });

  it.each([
    ['is gone', { status: 404, body: {} }],
    ['is another one of that name', { body: changed(withMetadata({ uid: 'later' })(videoGeneration())) }],
  ])('has nobody to tell where the film %s', async (_what, answer) => {
    server.on('GET', FILM, answer);
    server.on('PATCH', STATUS, CONFLICT);
    expect([(await write())[0], events]).toEqual(['gone', []]);
  });
});

describe('an answer that is not the film as it was written', () => {
  const { status } = settlement;
  const written = changed(withStatus(status)(videoGeneration()));
  it.each<[string, object]>([
    ['a Status', { kind: 'Status', metadata: {}, status: 'Success' }],
    ['another film', withMetadata({ name: 'storm', uid: 'other' })(written)],
    ['a later film of that name', withMetadata({ uid: 'later' })(written)],
    ['the film as it was', videoGeneration()],
    ['what was sent', withStatus(status)(videoGeneration())],
    ['the film of no version', withMetadata({ resourceVersion: '' })(written)],
    ['the film with another status', changed(withStatus({ ...status, conditions: [] } as never)(videoGeneration()))],
  ])('is a failure that passes, where 200 comes with %s', async (_what, body) => {
    server.on('PATCH', STATUS, { body });
    const options = { client, sources: sourcesOf({}), recorder: { record: () => {}, flush: async () => {} } };
    const on = { ...before, resource: { ...before.resource, version: '10' } };
    const writing = writeStatus(on, settlement, { ...options, signal: new AbortController().signal });
    await expect(writing).rejects.toMatchObject({ failure: { kind: 'retry' } });
    expect(options.sources.resources.get('films/storm')).toBeUndefined();
  });
});
