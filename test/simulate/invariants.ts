import type { ObjectMeta } from '../../operator/api/kubernetes.ts';
import type { Attempt, VideoGenerationStatus } from '../../operator/api/status.ts';
import type { Call } from '../../operator/kube/client.ts';
import { isCounted } from '../../operator/reconcile/status/kept-attempts.ts';
import { brokenUsage } from './invariants-usage.ts';
import type { Plural, StandInApiServer, Stored } from './stand-in-api-server.ts';
import { hasEnded, ownerUid } from './stand-in-controllers.ts';
import { type FilmTruth, isAlive, isClosed, isOver, type PodTruth, promptOf, type Truth } from './truth.ts';

/** A request of the operator that is being carried out. */
export interface Request {
  readonly replica: string;
  readonly sentAt: number;
  /** When it was sent first. */
  readonly askedAt: number;
  /** When the round that sent it read the film's pods from the API server; when it was sent first, if it did not. */
  readonly readAt: (filmKey: string) => number;
  /** When that round read the film's resource, before its pods: what its spec says since counts in the next round. */
  readonly specAt: (filmKey: string) => number;
}

/** Least wait between the end of an attempt and the next one, less the seconds that timestamps leave out. */
const LEAST_WAIT_MS = 8_500;

/**
 * What must hold at every write. Gives a sentence for each rule that is broken.
 *
 * A result counts as lost only if its pod had ended before the round that gave it up read the pods from the API server, and
 * was there to be read at that moment: pods carry no finalizer, so one that is deleted before anybody looks takes its
 * result with it.
 */
export function brokenByWrite(
  truth: Truth,
  server: StandInApiServer,
  now: number,
  write: { readonly plural: Plural; readonly before: Stored | undefined; readonly after: Stored | undefined },
  request: Request | undefined,
): readonly string[] {
  const { plural, before, after } = write;
  if (plural === 'pods' && before === undefined && after !== undefined) return podMade(truth, after);
  if (request === undefined) return [];
  if (plural === 'jobs' && before === undefined && after !== undefined)
    return jobMade(truth, server, now, after, request);
  if (plural === 'jobs' && before !== undefined) return jobTouched(truth, before, after, request, server, now);
  if (plural === 'configmaps' && after !== undefined) return specFrozen(truth, server, after);
  if (plural === 'videogenerations' && after !== undefined && before !== undefined)
    return statusWritten(truth, server, { before, after }, request);
  return [];
}

/** What is deleted was seen so: it may have ended since, or be another by now. */
export function brokenByRequest({ method, path, body }: Call): readonly string[] {
  if (method !== 'DELETE') return [];
  const { uid, resourceVersion } = (body as { preconditions?: Partial<ObjectMeta> } | undefined)?.preconditions ?? {};
  const kind = path.split('/').at(-2);
  return uid === undefined || resourceVersion === undefined ? [`${kind} are deleted whatever has become of them`] : [];
}

/**
 * Whether a pod's end was there to be read at a moment, and to be known as one of the film that the resource says now: of a Job that
 * is gone and that no status names, nothing tells that its pods are ours.
 */
function wasReadable(film: FilmTruth, pod: PodTruth, at: number, server: StandInApiServer): boolean {
  const { endedAt, goneAt, job, prompt } = pod;
  const isKnown = film.known.has(job) || server.list('jobs').some(({ metadata }) => metadata.uid === job);
  if (!isKnown || prompt !== film.prompt) return false;
  return endedAt !== undefined && endedAt < at && (goneAt === undefined || goneAt > at);
}

function hasGpus(pod: PodTruth): boolean {
  return isAlive(pod) || pod.holds;
}

function podMade(truth: Truth, pod: Stored): readonly string[] {
  const made = truth.pods.get(pod.metadata.uid ?? '');
  if (made === undefined) return [];
  const others = truth.films.get(made.film)!.pods.filter((other) => other !== made && hasGpus(other));
  return others.map((other) => `two pods at work for one film: ${other.name} and ${made.name}`);
}

function jobMade(
  truth: Truth,
  server: StandInApiServer,
  now: number,
  job: Stored,
  { sentAt, readAt }: Request,
): readonly string[] {
  const film = truth.films.get(ownerUid(job) ?? '');
  if (film === undefined) return [`a Job for no film: ${job.metadata.name}`];
  const broken: string[] = [];
  const open = server.list('jobs').filter((other) => ownerUid(other) === film.uid && !hasEnded(other));
  if (open.length > 1) broken.push(`two live Jobs: ${open.map(({ metadata }) => metadata.name).join(', ')}`);
  if (film.terminalAt !== undefined && film.terminalAt < sentAt)
    broken.push(`a film that is over is made again by ${job.metadata.name}`);
  const at = readAt(film.key);
  const ready = film.pods.find((pod) => pod.sha256 !== undefined && wasReadable(film, pod, at, server));
  if (ready !== undefined) broken.push(`${job.metadata.name} makes a film that ${ready.name} has made`);
  const final = film.pods.find((pod) => pod.final && wasReadable(film, pod, at, server));
  if (final !== undefined) broken.push(`${job.metadata.name} after the final error of ${final.name}`);
  const alive = film.pods.find((pod) => hasGpus(pod) && pod.madeAt < at);
  if (alive !== undefined) broken.push(`${job.metadata.name} starts while ${alive.name} has its GPUs`);
  const waited = now - lastEnd(film, server);
  if (waited < LEAST_WAIT_MS) broken.push(`${job.metadata.name} starts ${Math.round(waited / 1000)} s after an end`);
  return broken;
}

/**
 * Of what the operator can know: a Job that was deleted before any status named it counts as never made, and a pod that came
 * and went with its Job before anybody saw it has left no trace.
 */
function lastEnd({ key, pods, known }: FilmTruth, server: StandInApiServer): number {
  const status: Status | undefined = server.get('videogenerations', key)?.status;
  // It had no GPUs, so nobody waits for any.
  if (status?.attempts?.at(-1)?.outcome === 'Resized') return 0;
  const listed = new Set(status?.attempts?.map(({ podUid }) => podUid));
  const jobs = new Set(server.list('jobs').map(({ metadata }) => metadata.uid));
  const traces = pods.filter(({ uid, job }) => known.has(job) && (listed.has(uid) || jobs.has(job)));
  // What a suspension ended goes on at once, whatever had ended before it.
  return traces.at(-1)?.suspended === true ? 0 : Math.max(0, ...traces.map(({ stoppedAt = 0 }) => stoppedAt));
}

function jobTouched(
  truth: Truth,
  before: Stored,
  after: Stored | undefined,
  { readAt }: Request,
  server: StandInApiServer,
  now: number,
): readonly string[] {
  const film = truth.films.get(ownerUid(before) ?? '');
  // Another film may have its name by now: what counts is whether this one was over.
  if (film === undefined || after !== undefined || film.terminalAt !== undefined) return [];
  const lost = film.pods.find(
    (pod) =>
      pod.job === before.metadata.uid &&
      wasReadable(film, { ...pod, endedAt: pod.filmAt ?? now }, readAt(film.key), server),
  );
  if (lost === undefined) return [];
  return [`Job ${before.metadata.name} is deleted with the film that ${lost.name} has made`];
}

function specFrozen(truth: Truth, server: StandInApiServer, map: Stored): readonly string[] {
  const job = server.list('jobs').find(({ metadata }) => metadata.uid === ownerUid(map));
  const film = truth.films.get(job === undefined ? '' : (ownerUid(job) ?? ''));
  if (job === undefined || film === undefined) return [];
  const { prompt } = JSON.parse(map.data['job.json']);
  const broken: string[] = [];
  if (promptOf(film, job) !== prompt) broken.push(`${job.metadata.name} and its frozen spec are of two generations`);
  const current = server.get('videogenerations', film.key);
  // A status that is taken away in this very moment comes too late: the Job goes in the next round.
  if (!film.wiped && current?.metadata.uid === film.uid && current.spec.prompt !== prompt)
    broken.push(`${job.metadata.name} makes another film than its resource says`);
  return broken;
}

type Status = VideoGenerationStatus;

function statusWritten(
  truth: Truth,
  server: StandInApiServer,
  { before, after }: { readonly before: Stored; readonly after: Stored },
  request: Request,
): readonly string[] {
  const was: Status | undefined = before.status;
  const is: Status | undefined = after.status;
  const film = truth.films.get(after.metadata.uid ?? '');
  if (film === undefined || is?.conditions === undefined || is === was) return [];
  const shrunk = was?.conditions === undefined ? [] : statusShrunk(was, is);
  const at = request.readAt(film.key);
  const untrue = attemptsUntrue(truth, film, { was, is }, (pod) => wasReadable(film, pod, at, server));
  return [
    ...shrunk,
    ...untrue,
    ...overcounted(film, is),
    ...(isOver(was) ? [] : progressOfNobody(truth, is)),
    ...(isOver(was) || !isOver(is) ? [] : verdictUntrue(film, server, is, request)),
  ];
}

/** Counters, attempts and progress only grow; what is final stays. */
function statusShrunk(was: Status, is: Status): readonly string[] {
  const counters = (['failures', 'disruptions'] as const).filter((counter) => is[counter] < was[counter]);
  const back = (is.claim?.attempt ?? 0) < (was.claim?.attempt ?? 0) && (was.attempts ?? []).length > 0;
  return [
    ...counters.map((counter) => `${counter} fall from ${was[counter]} to ${is[counter]}`),
    ...(back ? ['the claim goes back'] : []),
    ...attemptsShrunk(was.attempts ?? [], is),
    ...progressShrunk(was, is),
    ...brokenUsage(was, is),
    ...(isOver(was) && finalPart(was, was) !== finalPart(is, was) ? ['what was final has changed'] : []),
  ];
}

function attemptsShrunk(was: readonly Attempt[], { attempts: is = [], earlierAttempts }: Status): readonly string[] {
  const broken: string[] = [];
  /** The list had no room for it any more. */
  const counted = ({ podUid, number }: Attempt) =>
    podUid === undefined ? number <= (earlierAttempts?.number ?? 0) : isCounted(podUid, earlierAttempts);
  let last = -1;
  for (const old of was) {
    const at = is.findIndex(({ number, podUid }) => number === old.number && podUid === old.podUid);
    const same = is[at];
    if (same === undefined && counted(old)) continue;
    if (same === undefined) broken.push(`attempt ${old.number} (${old.pod ?? old.job}) is forgotten`);
    else if (isClosed(old) && same.outcome !== old.outcome)
      broken.push(`attempt ${old.number} was ${old.outcome} and is ${same.outcome}`);
    if (at < last) broken.push(`attempts of ${old.job} change places`);
    last = at;
  }
  return broken;
}

/** What only counts in the list's stead counts no more than once: pods, and Jobs that seemed to have none. */
function overcounted({ pods, wiped }: FilmTruth, { failures, disruptions, claim }: Status): readonly string[] {
  const most = pods.length + (claim?.attempt ?? 0);
  return wiped || failures + disruptions <= most ? [] : [`${failures} failures, ${disruptions} disruptions of ${most}`];
}

/** What is shown of a film that is not ready is what the pod of its last attempt has told. */
function progressOfNobody(truth: Truth, { progress, phase, attempts = [] }: Status): readonly string[] {
  const last = attempts.at(-1);
  const isTold = (truth.pods.get(last?.podUid ?? '')?.reportedAt ?? []).length > 0;
  if (progress === undefined || phase === 'Succeeded' || isTold) return [];
  return [`progress is shown for ${last?.pod ?? last?.job}, which has told nothing`];
}

/** As long as the same pod is at work. */
function progressShrunk(before: Status, after: Status): readonly string[] {
  const { progress: was } = before;
  const { progress: is } = after;
  if (was === undefined || is === undefined || before.attempts?.at(-1)?.podUid !== after.attempts?.at(-1)?.podUid)
    return [];
  const counts = ['blockSteps', 'blocksFinished', 'framesReady', 'percent'] as const;
  return counts
    .filter((count) => is[count] < was[count])
    .map((count) => `progress.${count} falls from ${was[count]} to ${is[count]}`);
}

/** An attempt that was still at work when the film was over is closed later; nothing is made of one that was closed, and none comes. */
function finalPart(
  { phase, conditions, output, completionTime, failures, disruptions, attempts = [] }: Status,
  was: Status,
): string {
  const told = conditions.map(({ type, status, reason }) => [type, status, reason]);
  const open = new Set(was.attempts?.filter((attempt) => !isClosed(attempt)).map(({ podUid }) => podUid));
  const listed = attempts.map((attempt) => (open.has(attempt.podUid) ? [attempt.number, attempt.podUid] : attempt));
  return JSON.stringify([phase, told, output, completionTime, failures, disruptions, listed]);
}

function attemptsUntrue(
  truth: Truth,
  film: FilmTruth,
  { was, is: { attempts = [] } }: { readonly was: Status | undefined; readonly is: Status },
  couldRead: (pod: PodTruth) => boolean,
): readonly string[] {
  const before = new Set(was?.attempts?.filter(isClosed).map(({ podUid }) => podUid));
  return attempts.filter(isClosed).flatMap(({ podUid, outcome, pod }) => {
    const known = truth.pods.get(podUid ?? '');
    if (podUid !== undefined && known?.film !== film.uid) return [`${pod} is no pod of this film`];
    if (known !== undefined && isAlive(known)) return [`${pod} is at work and counted as ${outcome}`];
    // One that ended and went before anybody looked is told by why it was taken away.
    const isNew = !before.has(podUid);
    const wronged = known?.sha256 !== undefined && outcome === 'Failed' && isNew && couldRead(known);
    return wronged ? [`${pod} made the film and is counted as Failed`] : [];
  });
}

/** The verdict is being written. */
function verdictUntrue(
  film: FilmTruth,
  server: StandInApiServer,
  { output, phase, attempts = [] }: Status,
  { readAt }: Request,
): readonly string[] {
  const at = readAt(film.key);
  if (output === undefined) {
    const well = attempts.find(({ outcome }) => outcome === 'Succeeded');
    if (well !== undefined && phase === 'Failed') return [`fails, though attempt ${well.number} has ended well`];
    const made = film.pods.find((pod) => pod.sha256 !== undefined && wasReadable(film, pod, at, server));
    if (made !== undefined) return [`the film of ${made.name} is lost: ${phase}`];
    // Whose it is must be known: of a Job that no status names, nothing tells that its pods are ours.
    const mayMake = film.pods.find((pod) => isAlive(pod) && pod.madeAt < at && film.known.has(pod.job));
    return mayMake === undefined ? [] : [`given up while ${mayMake.name} may still make it`];
  }
  const made = film.pods.find(({ sha256 }) => sha256 === output.sha256);
  if (made === undefined) return ['the output is of no pod of this film'];
  if (made.prompt !== film.prompt) return [`${made.name} made another film than the resource says`];
  // A result that is seen late ends the attempt that has begun meanwhile, also one of the same Job.
  return [];
}
