import { conditionIs } from '../../operator/api/kubernetes.ts';
import { LABEL_RESOURCE } from '../../operator/api/labels.ts';
import type { Attempt, VideoGenerationStatus } from '../../operator/api/status.ts';
import type { Request } from './invariants.ts';
import type { Limit } from './life.ts';
import { keyOf, type Plural, type StandInApiServer, type Stored } from './stand-in-api-server.ts';
import { hasEnded, isTerminal, ownerUid } from './stand-in-controllers.ts';
import { isAiling } from './stand-in-kubelet.ts';
import { type FilmTruth, isOver, type PodTruth, type Truth } from './truth.ts';

type Status = VideoGenerationStatus;

/** Times in objects are cut to whole seconds; a moment is waited for from either end. */
const CUT_MS = 2_000;
/** What is due goes in this time once nothing fails any more, resyncs aside. */
const SOON_MS = 120_000;
/** GPUs without a runner are held for so long, where the spec says nothing. */
const HELD_SECONDS = 3600;
const DEADLINES: readonly string[] = [
  ...['StartDeadlineExceeded', 'GpusNotFree', 'AllGpusAgain', 'ActiveDeadlineExceeded', 'Stalled'],
];

/** A write of the operator, and what is known at that moment. */
interface Moment {
  readonly truth: Truth;
  readonly film: FilmTruth;
  readonly now: number;
  /** When the round that writes read the film's pods, and its resource before them. */
  readonly at: number;
  readonly specAt: number;
  /** When it asked for the write: what is heard from then on comes too late for what is written. */
  readonly askedAt: number;
}

/** What must hold at every write of the operator about deadlines, suspension and what goes after a film. */
export function brokenByLife(
  truth: Truth,
  server: StandInApiServer,
  now: number,
  {
    plural,
    before,
    after,
  }: { readonly plural: Plural; readonly before: Stored | undefined; readonly after: Stored | undefined },
  request: Request | undefined,
): readonly string[] {
  if (request === undefined || before === undefined) return [];
  const film = truth.films.get(filmUidOf(truth, plural, before) ?? '');
  if (film === undefined) return [];
  const { askedAt, readAt, specAt } = request;
  const moment = { truth, film, now, at: readAt(film.key), specAt: specAt(film.key), askedAt };
  if (plural === 'pods') return podDeleted(moment, before, after);
  if (plural === 'jobs')
    return after === undefined && hasEnded(before) ? tooSoon(moment, 'jobTtl', `Job ${before.metadata.name}`) : [];
  return after === undefined ? tooSoon(moment, 'ttl', 'the film') : told(moment, before.status, after.status, server);
}

function filmUidOf({ pods }: Truth, plural: Plural, object: Stored): string | undefined {
  const uid = object.metadata.uid ?? '';
  if (plural === 'videogenerations') return uid;
  return plural === 'jobs' ? ownerUid(object) : pods.get(uid)?.film;
}

/** The least of what the spec has said since a moment; undefined if at some time since it said nothing. */
function leastOf({ limits }: FilmTruth, limit: Limit, since: number): number {
  const first = Math.max(
    0,
    limits.findLastIndex(({ at }) => at <= since),
  );
  return Math.min(...limits.slice(first).map(({ is }) => is[limit] ?? Number.POSITIVE_INFINITY));
}

/** Something of a film that is over goes. */
function tooSoon({ film, now, specAt }: Moment, limit: Limit, what: string): readonly string[] {
  if (film.terminalAt === undefined) return film.wiped ? [] : [`${what} goes before the film is over`];
  // A status that is taken away in this very moment comes too late.
  const least = Math.min(
    leastOf(film, limit, specAt),
    limit === 'jobTtl' ? leastOf(film, 'ttl', specAt) : Number.POSITIVE_INFINITY,
  );
  return now + CUT_MS >= film.overSince + 1000 * least ? [] : [`${what} goes too soon after the end`];
}

/** Pods that have ended go with what is left of a film; one at work goes by force, once its node is believed to be lost. */
function podDeleted(moment: Moment, before: Stored, after: Stored | undefined): readonly string[] {
  const { film, now, specAt } = moment;
  const { name, deletionTimestamp, deletionGracePeriodSeconds = 0 } = before.metadata;
  if (isTerminal(before)) return deletionTimestamp === undefined ? tooSoon(moment, 'jobTtl', `pod ${name}`) : [];
  // One that has no node yet goes at once, whoever asks.
  const forced =
    before.spec?.nodeName !== undefined && (after === undefined || after.metadata.deletionGracePeriodSeconds === 0);
  if (!forced || (deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0)) return [];
  const due = Date.parse(deletionTimestamp ?? '') + 1000 * leastOf(film, 'lostNode', specAt);
  return now + CUT_MS >= due ? [] : [`pod ${name} is deleted by force too soon`];
}

/** What a status says of deadlines and suspension for the first time. */
function told(moment: Moment, was: Status | undefined, is: Status | undefined, server: StandInApiServer) {
  if (is?.conditions === undefined) return [];
  const before = new Map(was?.attempts?.map((attempt) => [`${attempt.number}/${attempt.podUid}`, attempt]));
  // A pod that comes to light after its Job was late, and has gone, is ended by that.
  const late = new Set(was?.attempts?.flatMap(({ podUid, job, reason }) => (podUid ? [] : [`${job}/${reason}`])));
  const broken = (is.attempts ?? []).flatMap((attempt) => {
    const old = before.get(`${attempt.number}/${attempt.podUid}`);
    return [
      ...(late.has(`${attempt.job}/${attempt.reason}`) ? [] : untimely(moment, old, attempt)),
      ...growsEarly(moment, old, attempt),
      ...misjudged(moment, old, attempt, server),
    ];
  });
  // What was decided before stands, whatever the spec says by now.
  const decided = was?.attempts?.some(({ reason }) => reason === 'ActiveDeadlineExceeded') ?? false;
  const spent = is.reason === 'ActiveDeadlineExceeded' && isOver(is) && !isOver(was) && !decided;
  return [...broken, ...(spent ? workedTooLittle(moment) : [])];
}

/** A deadline is said to have passed. */
function untimely(moment: Moment, was: Attempt | undefined, { reason = '', podUid, job }: Attempt): readonly string[] {
  if (!DEADLINES.includes(reason) || was?.reason === reason) return [];
  const { truth, film, now, at, specAt, askedAt } = moment;
  const pod = truth.pods.get(podUid ?? '');
  if (reason === 'ActiveDeadlineExceeded') return workedTooLittle(moment);
  if (reason === 'Stalled') {
    if (pod?.ranAt === undefined) return [`${job} has stalled without a runner`];
    const since = Math.max(pod.ranAt, ...pod.reportedAt.filter((time) => time <= askedAt));
    return now + CUT_MS >= since + 1000 * leastOf(film, 'stall', specAt) ? [] : [`${pod.name} has stalled too soon`];
  }
  if (pod?.ranAt !== undefined && pod.ranAt < at) return [`${pod.name} is late, and has started`];
  const begun = pod === undefined ? latestBegun(truth, film) : (truth.begunAt.get(pod.job) ?? 0);
  const limit = lateAfter(moment, reason, pod);
  return now + CUT_MS >= begun + 1000 * limit ? [] : [`${job} is late too soon`];
}

/** A Job goes for more GPUs only once a pod of it has ended. */
function growsEarly({ film }: Moment, was: Attempt | undefined, { reason, job }: Attempt): readonly string[] {
  if (reason !== 'AllGpusAgain' || was?.reason === reason) return [];
  const ended = film.pods.some(
    ({ name, stoppedAt, goneAt }) => name.startsWith(`${job}-`) && (stoppedAt ?? goneAt) !== undefined,
  );
  return ended ? [] : [`${job} is to have more GPUs, and no pod of it has ended`];
}

function lateAfter({ film, specAt }: Moment, reason: string, pod: PodTruth | undefined): number {
  if (reason === 'AllGpusAgain') return 0;
  // A device that was unhealthy is given to nobody any more.
  const isHurt = film.pods.some(({ uid, job }) => job === pod?.job && uid !== pod.uid && isAiling(uid));
  if (reason === 'GpusNotFree') return isHurt ? 0 : leastOf(film, 'elastic', specAt);
  return Math.min(leastOf(film, 'start', specAt), HELD_SECONDS);
}

function latestBegun({ begunAt, filmOfJob }: Truth, film: FilmTruth): number {
  const own = [...begunAt].filter(([job]) => filmOfJob.get(job) === film.uid).map(([, at]) => at);
  return Math.max(0, ...own);
}

function workedTooLittle({ film, now, specAt }: Moment): readonly string[] {
  // A node's clock that is wrong is shown; its pod counts as at work until somebody looked.
  const worked = film.pods.reduce((sum, pod) => sum + Math.max(0, untilOf(pod, now) - sinceOf(pod, now)), 0);
  return worked + CUT_MS * film.pods.length >= 1000 * leastOf(film, 'active', specAt)
    ? []
    : [`the time at work is used up after ${Math.round(worked / 1000)} s`];
}

function sinceOf({ skewed, madeAt, ranAt }: PodTruth, now: number): number {
  return skewed ? madeAt : (ranAt ?? now);
}

function untilOf({ skewed, stoppedAt, goneAt }: PodTruth, now: number): number {
  return skewed ? now : (stoppedAt ?? goneAt ?? now);
}

/** What the operator or a suspended Job took away is no disruption. */
function misjudged(
  { truth, film }: Moment,
  was: Attempt | undefined,
  { outcome, podUid, reason }: Attempt,
  server: StandInApiServer,
): readonly string[] {
  if (was?.outcome === outcome) return [];
  const pod = truth.pods.get(podUid ?? '');
  if (outcome === 'Suspended' && pod !== undefined && !pod.suspended && !isUntold(truth, pod, was))
    return [`${pod.name} was ended by no suspension, and is counted as Suspended`];
  if (outcome !== 'Disrupted') return [];
  const late = was?.reason !== undefined && DEADLINES.includes(was.reason);
  if (late) return [`${was?.pod} was ended for ${was?.reason}, and is counted as Disrupted (${reason})`];
  if (pod?.isByUs === true && !film.wiped && film.terminalAt === undefined)
    return [`${pod.name} was deleted by the operator, and is counted as Disrupted (${reason})`];
  if (pod?.suspendedAt === undefined || film.wiped) return [];
  // Of a Job that is gone nothing tells that it was suspended.
  const there = server.list('jobs').find(({ metadata }) => metadata.uid === pod.job);
  return there !== undefined && !isTakenTwice(pod, there, was)
    ? [`${pod.name} was ended by a suspension, and is counted as Disrupted (${reason})`]
    : [];
}

/**
 * Somebody else took away what a suspension had taken away, and the Job went on, before anybody saw either: the pod names the other, and
 * whether that was before the Job went on is told by two clocks.
 */
function isTakenTwice({ isEvicted }: PodTruth, job: Stored, was: Attempt | undefined): boolean {
  const goesOn = job.spec.suspend !== true && conditionIs(job.status?.conditions, 'Suspended', 'False');
  return goesOn && was?.reason !== 'Suspended' && isEvicted;
}

/**
 * Of a pod that was deleted, nothing tells whether that was before its Job was suspended; nor, where it is gone and was never seen to run,
 * whether it was made before or after that.
 */
function isUntold(
  { suspendedAt }: Truth,
  { leftAt, goneAt, job, madeAt }: PodTruth,
  was: Attempt | undefined,
): boolean {
  if (leftAt === undefined) return false;
  return (suspendedAt.get(job) ?? 0) > madeAt || (goneAt !== undefined && was?.createdTime === undefined);
}

/** What must be gone when everything has come to rest. */
export function leftOver(film: FilmTruth, server: StandInApiServer, now: number): readonly string[] {
  const stored = server.get('videogenerations', film.key);
  const limits = film.limits.at(-1)?.is;
  if (stored?.metadata.uid !== film.uid || film.terminalAt === undefined || limits === undefined) return [];
  const isDue = (seconds: number | undefined) =>
    seconds !== undefined && now > (film.terminalAt ?? 0) + 1000 * seconds + SOON_MS;
  if (isDue(limits.ttl)) return ['the film stays although its time is over'];
  if (!isDue(limits.jobTtl)) return [];
  // A Job whose labels somebody has taken off is not seen any more: it goes with the film.
  const all = server.list('jobs').filter((job) => ownerUid(job) === film.uid);
  const jobs = all.filter(({ metadata }) => metadata.labels?.[LABEL_RESOURCE] !== undefined);
  const unseen = new Set(all.filter((job) => !jobs.includes(job)).map(({ metadata }) => metadata.uid));
  // Of a pod without a Job and an owner, only a status tells that it is of the film: one that was taken away has told it last, and one that
  // had no news of its Job before the operator died has never told it.
  const isUnknown = ({ orphan, job }: PodTruth) => orphan && !film.known.has(job);
  const left = new Set(film.pods.filter((pod) => !unseen.has(pod.job) && !isUnknown(pod)).map(({ uid }) => uid));
  const pods = server.list('pods').filter(({ metadata }) => left.has(metadata.uid ?? ''));
  return [...jobs, ...pods].map((object) => `${keyOf(object)} stays although its time is over`);
}
