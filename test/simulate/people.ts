import { specSchema } from '#contract/resource-spec.ts';
import { LABEL_QUEUE } from '../../operator/api/labels.ts';
import { succeededResult } from '../build/pod.ts';
import { videoGenerationSpec } from '../build/video-generation.ts';
import type { Dice } from '../faults/dice.ts';
import { someLife } from './life.ts';
import type { Mix } from './mixes.ts';
import { editSpec, keyOf, type StandInApiServer, type Stored } from './stand-in-api-server.ts';
import { dropPod, hasEnded, isTerminal, ownerUid, type World } from './stand-in-controllers.ts';

export const NAMESPACE = 'films';
export const FOREIGN_NAMESPACE = 'elsewhere';

export interface PeopleOptions extends World {
  readonly mix: Mix;
  readonly trace: (line: () => string) => void;
}

/** Makes a film with budgets of its own. */
export function createFilm({ server, dice }: Pick<World, 'server' | 'dice'>, name: string): Stored {
  const take = dice.between(1, 1_000_000);
  const retries = someRetries(dice);
  const { deadlines, ...life } = someLife(dice);
  // By its number, so that no seed comes to mean another schedule.
  const elastic = take % 3 === 0 ? { elastic: '3s' } : take % 3 === 1 ? { elastic: '20s' } : {};
  const spec = videoGenerationSpec({
    ...{ prompt: `take ${take}`, retries, ...life },
    ...{ parallelism: { gpus: 8, minGpus: 2 }, deadlines: { ...(deadlines as object), ...elastic } },
  });
  const labels = dice.share() < 0.25 ? { labels: { [LABEL_QUEUE]: 'gpu' } } : {};
  const metadata = { name, namespace: NAMESPACE, generation: 1, ...labels };
  const film = { apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata, spec };
  return server.create('videogenerations', film as Stored, 'person');
}

/** People and other programs: they change films, and delete what they like, also what is not theirs to delete. */
export function startPeople(options: PeopleOptions): void {
  const { time, dice, mix, isCalm } = options;
  const repeat = (meanMs: number, act: () => void) => {
    const next = () => {
      if (isCalm()) return;
      act();
      time.after(dice.between(meanMs / 4, (7 * meanMs) / 4), next);
    };
    time.after(dice.between(0, (3 * meanMs) / 2), next);
  };
  repeat(mix.editEveryMs, () => dice.pick(EDITS)(options));
  repeat(mix.deleteEveryMs, () => dice.pick(DELETIONS)(options));
  repeat(mix.editEveryMs * 2, () => forgePod(options));
  // Some clusters clear Jobs away as soon as they have ended.
  if (dice.share() < 0.1) repeat(3_000, () => deleteEndedJob(options));
  // The moments in which a film starts are short, so they are aimed at.
  for (const film of options.server.list('videogenerations'))
    if (dice.share() < 0.5) time.after(dice.between(0, 3_000), () => rewrite(options, keyOf(film)));
}

type Act = (options: PeopleOptions) => void;

const EDITS: readonly Act[] = [
  ...[changeRetries, changeRetries, suspendJob, resumeJob, rewriteAny, wipeStatus],
  ...[suspendFilm, resumeFilms, changeLife],
];
const DELETIONS: readonly Act[] = [
  ...[
    deletePod,
    deletePod,
    evictPod,
    orphanPods,
    unlabelJob,
    vanishPod,
    deleteJob,
    deleteJob,
    deleteFrozenSpec,
    deleteEndedPod,
  ],
  ...[deleteEndedJob, recreateFilm],
];

function someRetries(dice: Dice) {
  return { failures: dice.pick([0, 1, 2, 3]), disruptions: dice.pick([0, 1, 3, 20]) };
}

function changeLife({ server, dice, trace }: PeopleOptions): void {
  const film = oneOf(dice, own(server, 'videogenerations'));
  const life = someLife(dice);
  if (film !== undefined && editSpec(server, keyOf(film), life)) trace(() => `life ${JSON.stringify(life)}`);
}

function oneOf(dice: Dice, objects: readonly Stored[]): Stored | undefined {
  return objects.length === 0 ? undefined : dice.pick(objects);
}

function own(server: StandInApiServer, plural: 'pods' | 'jobs' | 'videogenerations' | 'configmaps'): readonly Stored[] {
  return server.list(plural).filter(({ metadata }) => metadata.namespace === NAMESPACE);
}

function changeRetries({ server, dice, trace }: PeopleOptions): void {
  const film = oneOf(dice, own(server, 'videogenerations'));
  const retries = someRetries(dice);
  if (film !== undefined && editSpec(server, keyOf(film), { retries }))
    trace(() => `retries ${JSON.stringify(retries)}`);
}

function rewriteAny(options: PeopleOptions): void {
  const film = oneOf(options.dice, own(options.server, 'videogenerations'));
  if (film !== undefined) rewrite(options, keyOf(film));
}

/** Another prompt; refused once the film has started. */
function rewrite({ server, dice, trace }: PeopleOptions, key: string): void {
  const prompt = `take ${dice.between(1, 1_000_000)}`;
  if (editSpec(server, key, { prompt: specSchema.shape.prompt.parse(prompt) }))
    trace(() => `prompt of ${key}: ${prompt}`);
}

/** Somebody takes the status away, and often changes the film before it comes back. */
function wipeStatus(options: PeopleOptions): void {
  const { server, dice, time, trace } = options;
  const film = oneOf(dice, own(server, 'videogenerations'));
  if (film === undefined || dice.share() < 0.5) return;
  trace(() => `wipe the status of ${keyOf(film)}`);
  const bare = ({ status: _dropped, ...old }: Stored): Stored => old as Stored;
  server.change('videogenerations', keyOf(film), bare, 'person');
  if (dice.share() < 0.5) rewrite(options, keyOf(film));
  else time.after(dice.between(0, 5_000), () => rewrite(options, keyOf(film)));
}

function suspendFilm({ server, dice, trace }: PeopleOptions): void {
  const film = oneOf(dice, own(server, 'videogenerations'));
  if (film !== undefined && editSpec(server, keyOf(film), { suspend: true })) trace(() => `suspend ${keyOf(film)}`);
}

function resumeFilms({ server, trace }: PeopleOptions): void {
  for (const film of own(server, 'videogenerations'))
    if (film.spec.suspend === true && editSpec(server, keyOf(film), { suspend: false }))
      trace(() => `let ${keyOf(film)} go on`);
}

/** Lets everything that is suspended go on. */
export function resumeAll(server: StandInApiServer): void {
  resumeJobs(server, () => true);
  for (const film of own(server, 'videogenerations')) editSpec(server, keyOf(film), { suspend: false });
}

function suspendJob({ server, dice, trace }: PeopleOptions): void {
  const job = oneOf(
    dice,
    own(server, 'jobs').filter((found) => !hasEnded(found)),
  );
  if (job === undefined) return;
  trace(() => `suspend ${job.metadata.name}`);
  server.change('jobs', keyOf(job), (old) => ({ ...old, spec: { ...old.spec, suspend: true } }), 'person');
}

function resumeJob({ server, dice }: PeopleOptions): void {
  resumeJobs(server, () => dice.share() < 0.8);
}

/** Lets suspended Jobs go on. */
function resumeJobs(server: StandInApiServer, which: () => boolean): void {
  for (const job of own(server, 'jobs'))
    if (job.spec.suspend === true && which())
      server.change('jobs', keyOf(job), (old) => ({ ...old, spec: { ...old.spec, suspend: false } }), 'person');
}

function deletePod({ server, dice, trace }: PeopleOptions): void {
  const pod = oneOf(dice, own(server, 'pods'));
  if (pod === undefined) return;
  trace(() => `delete pod ${pod.metadata.name}`);
  dropPod(server, pod, 'person');
}

function deleteEndedPod({ server, dice, trace }: PeopleOptions): void {
  const pod = oneOf(dice, own(server, 'pods').filter(isTerminal));
  if (pod === undefined) return;
  trace(() => `delete ended pod ${pod.metadata.name}`);
  dropPod(server, pod, 'person');
}

function evictPod({ server, dice, trace }: PeopleOptions): void {
  const pod = oneOf(
    dice,
    own(server, 'pods').filter((found) => !isTerminal(found)),
  );
  if (pod === undefined) return;
  trace(() => `evict ${pod.metadata.name}`);
  const target = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'evicted' };
  const conditions = [...(pod.status.conditions ?? []), target];
  const marked = server.change(
    'pods',
    keyOf(pod),
    (old) => ({ ...old, status: { ...old.status, conditions } }),
    'person',
  );
  if (marked !== undefined) dropPod(server, marked, 'person');
}

/** Somebody takes the finalizers off a pod and deletes it by force. */
function vanishPod({ server, dice, trace }: PeopleOptions): void {
  const pod = oneOf(dice, own(server, 'pods'));
  if (pod === undefined) return;
  trace(() => `vanish ${pod.metadata.name}`);
  const bare = (old: Stored): Stored => ({ ...old, metadata: { ...old.metadata, finalizers: [] } });
  if (server.change('pods', keyOf(pod), bare, 'person') !== undefined) server.remove('pods', keyOf(pod), {}, 'person');
}

function deleteJob({ server, dice, trace }: PeopleOptions): void {
  const job = oneOf(dice, own(server, 'jobs'));
  if (job === undefined) return;
  const foreground = dice.share() < 0.3;
  trace(() => `delete Job ${job.metadata.name}${foreground ? ' in the foreground' : ''}`);
  server.remove('jobs', keyOf(job), { foreground }, 'person');
}

/** Deletes a Job, and lets its pods and its frozen spec stay (`--cascade=orphan`). */
function orphanPods({ server, dice, trace }: PeopleOptions): void {
  const job = oneOf(dice, own(server, 'jobs'));
  if (job === undefined || job.metadata.deletionTimestamp !== undefined) return;
  trace(() => `delete Job ${job.metadata.name} without its pods`);
  const free = (old: Stored): Stored => ({
    ...old,
    metadata: { ...old.metadata, ownerReferences: [], finalizers: [] },
  });
  for (const plural of ['pods', 'configmaps'] as const)
    for (const child of own(server, plural))
      if (ownerUid(child) === job.metadata.uid) server.change(plural, keyOf(child), free, 'person');
  server.remove('jobs', keyOf(job), {}, 'person');
}

/** Takes our labels off a Job, so that the watches lose it. */
function unlabelJob({ server, dice, trace }: PeopleOptions): void {
  const job = oneOf(dice, own(server, 'jobs'));
  if (job === undefined) return;
  trace(() => `unlabel Job ${job.metadata.name}`);
  server.change('jobs', keyOf(job), (old) => ({ ...old, metadata: { ...old.metadata, labels: {} } }), 'person');
}

function deleteEndedJob({ server, dice, trace }: PeopleOptions): void {
  const job = oneOf(dice, own(server, 'jobs').filter(hasEnded));
  if (job === undefined) return;
  trace(() => `delete ended Job ${job.metadata.name}`);
  server.remove('jobs', keyOf(job), {}, 'person');
}

function deleteFrozenSpec({ server, dice, trace }: PeopleOptions): void {
  const map = oneOf(dice, own(server, 'configmaps'));
  if (map === undefined) return;
  trace(() => `delete ConfigMap ${map.metadata.name}`);
  server.remove('configmaps', keyOf(map), {}, 'person');
}

/** Deletes a film, and often makes another one of its name. */
function recreateFilm(options: PeopleOptions): void {
  const { server, dice, time, trace, isCalm } = options;
  const film = oneOf(dice, own(server, 'videogenerations'));
  if (film === undefined || dice.share() < 0.5) return;
  const foreground = dice.share() < 0.3;
  trace(() => `delete film ${film.metadata.name}${foreground ? ' in the foreground' : ''}`);
  server.remove('videogenerations', keyOf(film), { foreground }, 'person');
  time.after(dice.between(100, 10_000), () => {
    if (!isCalm() && server.get('videogenerations', keyOf(film)) === undefined) createFilm(options, film.metadata.name);
  });
}

/** A pod of another namespace that says of itself that it belongs to a film here, and that it made it. */
function forgePod({ server, dice, trace }: PeopleOptions): void {
  const real = oneOf(dice, own(server, 'pods'));
  if (real === undefined) return;
  const { name, labels = {}, ownerReferences = [] } = real.metadata;
  trace(() => `forge ${name} in ${FOREIGN_NAMESPACE}`);
  const message = JSON.stringify({ ...succeededResult, film: { ...succeededResult.film, sha256: 'e'.repeat(64) } });
  const ended = [{ name: 'runner', state: { terminated: { exitCode: 0, message } } }];
  const metadata = { name, namespace: FOREIGN_NAMESPACE, labels, ownerReferences };
  const over = dice.share() < 0.5;
  const status = over ? { phase: 'Succeeded', containerStatuses: ended } : { phase: 'Running' };
  if (server.get('pods', `${FOREIGN_NAMESPACE}/${name}`) !== undefined) return;
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'gpu-1' }, status };
  server.create('pods', pod as Stored, 'forger');
}
