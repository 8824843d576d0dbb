import type { VideoGenerationStatus } from '../../operator/api/status.ts';
import { leftOver } from './invariants-life.ts';
import type { StandInApiServer, Stored } from './stand-in-api-server.ts';
import { hasEnded, isTerminal, ownerUid } from './stand-in-controllers.ts';
import { type FilmTruth, isAlive, isOver, type PodTruth, promptOf, type Truth } from './truth.ts';

type Status = VideoGenerationStatus;

/** A round that gives a film up takes no longer. */
const LATE_MS = 60_000;

/** What must hold when everything has come to rest. */
export function brokenAtRest(truth: Truth, server: StandInApiServer, now: number): readonly string[] {
  const films = [...truth.films.values()].flatMap((film) => [
    ...filmAtRest(film, server),
    ...leftOver(film, server, now),
  ]);
  const leaving = ({ metadata }: Stored) => metadata.deletionTimestamp !== undefined;
  const stuck = server.list('pods').filter((pod) => leaving(pod) && !isTerminal(pod));
  return [...films, ...stuck.map(({ metadata }) => `pod ${metadata.name} never ends`)];
}

function filmAtRest(film: FilmTruth, server: StandInApiServer): readonly string[] {
  const stored = server.get('videogenerations', film.key);
  const jobs = server.list('jobs').filter((job) => ownerUid(job) === film.uid);
  const alive = film.pods.filter((pod) => isAlive(pod) || pod.holds);
  if (stored === undefined || stored.metadata.uid !== film.uid)
    return jobs.length > 0 || alive.length > 0 ? ['children of a film that is gone stay'] : [];
  const status: Status | undefined = stored.status;
  const open = jobs.filter((job) => !hasEnded(job));
  const over = isOver(status);
  return [
    ...(over ? open.map(({ metadata }) => `over, and Job ${metadata.name} is alive`) : []),
    ...(over ? alive.map(({ name }) => `over, and pod ${name} holds its GPUs`) : []),
    ...(over || isStated(status, stored.spec.suspend === true, open)
      ? []
      : [`waits for nothing: ${status?.phase} ${status?.reason ?? ''}`]),
    ...(stored.spec.suspend === true && open.length + alive.length > 0 ? ['suspended, and at work'] : []),
    ...resultAtRest(film, status),
    ...generationAtRest(stored, status),
    ...((film.wiped ? open : jobs).some((job) => promptOf(film, job) !== stored.spec.prompt)
      ? ['a Job makes another film than its resource says']
      : []),
  ];
}

/** A film may wait for people: here only for whoever has suspended it or its Job. */
function isStated(status: Status | undefined, suspended: boolean, open: readonly Stored[]): boolean {
  return status?.reason === 'Suspended' && (suspended || open.some((job) => job.spec.suspend === true));
}

/** A pod that ended while its film was being given up may come too late; one that had ended long before may not. */
function resultAtRest(
  { pods, known, prompt, terminalAt = Number.POSITIVE_INFINITY }: FilmTruth,
  status: Status | undefined,
): readonly string[] {
  if (status?.output !== undefined) return [];
  const inTime = ({ endedAt = 0, job, prompt: made }: PodTruth) =>
    endedAt < terminalAt - LATE_MS && known.has(job) && made === prompt;
  const ready = pods.find((pod) => pod.sha256 !== undefined && pod.goneAt === undefined && inTime(pod));
  return ready === undefined ? [] : [`${ready.name} made the film, and it is ${status?.phase}`];
}

function generationAtRest({ metadata: { generation } }: Stored, status: Status | undefined): readonly string[] {
  const answered = status?.conditions?.every(
    ({ type, observedGeneration }) => type === 'Scheduled' || observedGeneration === generation,
  );
  return status?.observedGeneration === generation && answered === true
    ? []
    : ['the newest generation is not answered'];
}
