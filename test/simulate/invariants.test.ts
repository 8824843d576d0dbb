import { expect, it } from 'vitest';
import { brokenByWrite } from './invariants.ts';
import { createStandInApiServer, type Stored } from './stand-in-api-server.ts';
import { createTruth } from './truth.ts';

const NOW = 100_000;
const done = { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: '1970-01-01T00:01:00Z' }] };
const claim = { attempt: 1, job: 'lighthouse-1', generation: 1, specHash: '', jobUid: 'job-1' };

function object(kind: string, name: string, more: { readonly uid: string; readonly owner?: string }): Stored {
  const ownerReferences = more.owner === undefined ? [] : [{ controller: true, uid: more.owner }];
  return {
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: 'films', uid: more.uid, generation: 1, ownerReferences, annotations: {} },
    spec: {},
  } as unknown as Stored;
}

/** What is said when the operator deletes a Job of a film that a pod of it has made. */
function saidOfDeletion({ isOver, replaced }: { readonly isOver: boolean; readonly replaced: boolean }) {
  let now = 0;
  const truth = createTruth(() => now);
  const server = createStandInApiServer({ now: () => now, newUid: () => 'new', onWrite: () => {}, admits: () => true });
  const film = object('VideoGeneration', 'lighthouse', { uid: 'film-1' });
  const claimed = { ...film, status: { conditions: [], claim } };
  truth.written('videogenerations', { before: undefined, after: film, by: 'person' }, now);
  truth.written('videogenerations', { before: film, after: claimed, by: 'operator' }, now);
  const job = object('Job', 'lighthouse-1', { uid: 'job-1', owner: 'film-1' });
  truth.written('jobs', { before: undefined, after: job, by: 'operator' }, now);
  const pod = object('Pod', 'lighthouse-1-abcde', { uid: 'pod-1', owner: 'job-1' });
  truth.written('pods', { before: undefined, after: pod, by: 'job-controller' }, now);
  const made = truth.pods.get('pod-1')!;
  Object.assign(made, { prompt: truth.films.get('film-1')!.prompt, sha256: 'a', filmAt: 10_000, endedAt: 10_000 });
  now = 60_000;
  const last = isOver ? { ...claimed, status: { ...done, claim } } : claimed;
  truth.written('videogenerations', { before: claimed, after: last, by: 'operator' }, now);
  if (replaced) {
    truth.written('videogenerations', { before: last, after: undefined, by: 'person' }, now);
    server.create('videogenerations', object('VideoGeneration', 'lighthouse', { uid: 'film-2' }), 'person');
  }
  const request = { replica: 'operator-1', sentAt: NOW, askedAt: NOW, readAt: () => NOW, specAt: () => NOW };
  return brokenByWrite(truth, server, NOW, { plural: 'jobs', before: job, after: undefined }, request);
}

it.each([
  ['of a film that is over is cleared away', { isOver: true, replaced: false }, 0],
  ['of a film that was over, when another has its name, as well', { isOver: true, replaced: true }, 0],
  ['of a film that is not over loses that film', { isOver: false, replaced: false }, 1],
  ['of a film that was not over, when another has its name, as well', { isOver: false, replaced: true }, 1],
])('a Job that has made the film, deleted by the operator, %s', (_what, how, count) => {
  expect(saidOfDeletion(how)).toHaveLength(count);
});
