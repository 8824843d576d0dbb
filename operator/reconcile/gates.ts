import { OWN_MANAGER } from '#contract/life-cycle.ts';
import type { Result } from '#contract/result.ts';
import { defined } from '../api/defined.ts';
import { conditionIs } from '../api/kubernetes.ts';
import { why } from '../api/reasons.ts';
import type { Attempt } from '../api/status.ts';
import { millisecondsOf, timeText } from '../api/time.ts';
import { endingOf, isEnded } from './attempts.ts';
import { isLeftWithFilm, overdue } from './deadlines.ts';
import { sizeOf } from './elastic.ts';
import { endAfterPods, exhausted, failure, lastWord } from './giving-up.ts';
import { lostEnding } from './lost-pods.ts';
import {
  endsByItself,
  hasFilm,
  isAlive,
  isOpen,
  isReplaced,
  type JobView,
  liveJob,
  type Observed,
  REFUSED_MS,
} from './observed.ts';
import { countedFailures } from './retries.ts';
import { suspended } from './suspension.ts';
import type { Context, Gate, Verdict } from './verdict.ts';

/*
 * The gates, in the order in which they are walked. Each is asked whether it has an answer to where a film stands; `decide.ts`
 * makes actions and a status of it. The life of an attempt:
 *
 *                      claim written ── Job created ── ConfigMap frozen
 *                            │
 *   start ──────────────► Waiting ─────────────► Running ─────────────► Succeeded ──► film Complete
 *     ▲                   no node, image,        the runner reports         (result in the pod's
 *     │                   volume not ready           │                       termination message)
 *     │                      │                       │
 *     │                      ├───────────────────────┤
 *     │                      ▼                       ▼
 *     │                  Disrupted                 Failed ── exit code that no other try mends ──► film Failed
 *     │       taken away, told to stop,          any other end
 *     │       pod or Job gone (read to be sure)      │
 *     │                      │                       │
 *     │            disruptions + 1             failures + 1
 *     │                      └───────────┬───────────┘
 *     │                                  ├── more than spec.retries allows ──────────────────────► film Failed
 *     └──── 10 s, or after failures ─────┘
 *           up to 5 min; never before
 *           the last pod has ended
 */

const FIRST_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 300_000;

/** A resource that is being deleted needs nothing: its Jobs and their pods go with it. */
const deletion: Gate = ({ observed }) => (observed.resource.deleting ? { outcome: 'leaving' } : undefined);

/** Another controller makes the film: everything about it is left alone. */
const managed: Gate = ({ observed: { managedBy } }) =>
  (managedBy ?? OWN_MANAGER) === OWN_MANAGER ? undefined : { outcome: 'leaving' };

/** What was complete or given up stays so, whatever becomes of its Job afterwards; also where somebody has taken its conditions away. */
const terminal: Gate = ({ observed: { status } }) => {
  const over = ['Complete', 'Failed'].some((type) => conditionIs(status?.conditions, type, 'True'));
  return over || status?.output !== undefined ? { outcome: 'settled' } : undefined;
};

/**
 * Each cache lags behind by a time of its own. A Job that has ended while its pod seems at work, a pod that is known and not
 * there, a Job that was made and is not there: none of this is a fact before the objects themselves were read.
 */
const unsure: Gate = (context) => {
  const { live, jobs, outdated } = context.observed;
  if (live) return undefined;
  const lost = outdated.some(({ gone, pods }) => gone === true && pods.some(isAlive));
  const doubtful =
    lost || jobs.some((job) => endsWithoutItsPod(job, context)) || missesPod(context) || missesJob(context);
  return doubtful ? { outcome: 'unsure' } : undefined;
};

function endsWithoutItsPod(job: JobView, { attempts }: Context): boolean {
  if (job.ended === undefined && job.gone !== true) return false;
  if (job.pods.some(isAlive)) return true;
  const own = attempts.filter((attempt) => attempt.job === job.name);
  if (job.ended?.complete === true) return !own.some(({ outcome }) => outcome === 'Succeeded');
  return !own.some(isEnded);
}

function missesPod({ observed, attempts }: Context): boolean {
  const seen = new Set(observed.jobs.flatMap(({ pods }) => pods.map(({ uid }) => uid)));
  return attempts.some((attempt) => !isEnded(attempt) && !seen.has(attempt.podUid ?? ''));
}

function missesJob({ observed, attempts }: Context): boolean {
  const { claim } = observed.status ?? {};
  if (claim?.jobUid === undefined) return false;
  const there = observed.jobs.some((job) => job.uid === claim.jobUid && job.gone !== true);
  return !there && !attempts.some((attempt) => attempt.number === claim.attempt && isEnded(attempt));
}

/** A Job, or an attempt of one that is gone, that has come to a good end, as far as that can be told. */
interface GoodEnd {
  readonly job: Pick<JobView, 'name' | 'number'>;
  readonly result: Result | undefined;
  readonly endTime: string | undefined;
}

/**
 * A pod that ended well, or a complete Job whose pod is gone, ends the work. A pod that has ended speaks for no Job that has
 * another pod at work, unless it had made the film and was replaced all the same: the cluster took it away at its end. Where the result is lost, the next attempt looks for the finished film (runner/output/earlier-film.ts):
 * only if that comes to nothing, the film is complete without a result. It never fails, whatever its other attempts came to and
 * whoever deletes the Job meanwhile.
 */
const success: Gate = (context) => {
  const { observed, attempts } = context;
  const ends = observed.jobs.flatMap((job) => goodEnd(job, context));
  const found = ends.find(({ result }) => result?.film !== undefined);
  const end = found ?? [...ends, ...rememberedEnds(attempts)].find(({ job }) => isNotFound(job.number, context));
  if (end === undefined) return undefined;
  const { job, result, endTime } = end;
  return { outcome: 'complete', job: job.name, result, ...(endTime === undefined ? {} : { endTime }) };
};

/** Good ends that are written down: their Jobs may be gone. */
function rememberedEnds(attempts: readonly Attempt[]): readonly GoodEnd[] {
  return attempts
    .filter(({ outcome }) => outcome === 'Succeeded')
    .map(({ job, number, endTime }) => ({ job: { name: job, number }, result: undefined, endTime }));
}

/**
 * Whether no attempt will find the film any more: one after the Job's has ended well without a result, too, or none may start. An attempt
 * that ended before it could look, or while it made the film again, is followed by another. A Job that only has to say how it
 * ended makes no pod: whether its end or its pod's is seen first changes nothing.
 */
function isNotFound(number: number, context: Context): boolean {
  const { observed, attempts } = context;
  const job = liveJob(observed);
  const mayFind = job !== undefined && !endsByItself(job);
  if (mayFind || observed.jobs.some(({ pods }) => pods.some(isAlive))) return false;
  const isLookedFor = attempts.some((later) => later.number > number && later.outcome === 'Succeeded');
  return isLookedFor || lastWord(context) !== undefined;
}

function goodEnd(job: JobView, context: Context): readonly GoodEnd[] {
  const good = job.pods.filter((candidate) => candidate.state === 'succeeded' || isLeftWithFilm(candidate, context));
  const pod = good.find(hasFilm) ?? good[0];
  if (
    job.pods.some((other) => other !== pod && isAlive(other) && other.state !== 'succeeded' && !isReplaced(pod, other))
  )
    return [];
  if (pod === undefined && job.ended?.complete !== true) return [];
  return [{ job, result: pod?.result, endTime: pod?.endTime ?? job.ended?.time }];
}

/**
 * A pod whose Job has ended or was deleted holds its GPUs until it has ended itself, and so does a Job that was made for another
 * film, which is deleted: nothing else starts before. One that has lost its Job ends when its time is over.
 */
const held: Gate = (context) => {
  const { observed } = context;
  const other = observed.outdated.find((job) => isOpen(job) || job.pods.some(isAlive));
  if (other !== undefined) return { outcome: 'held', why: why('JobOutdated', { job: other.name }) };
  for (const job of observed.jobs) {
    const ending = lostEnding(job, context);
    if (ending !== undefined) return ending;
  }
  const job = observed.jobs.find((one) => !isOpen(one) && one.pods.some(isAlive));
  if (job === undefined) return undefined;
  const end = endAfterPods(context);
  if (end !== undefined) return { outcome: 'held', why: end, job };
  return { outcome: 'held', why: why('PodLeaving', { pod: job.pods.find(isAlive)?.name ?? '', job: job.name }) };
};

/** A spec that the operator cannot carry out starts nothing; what runs already goes on from its frozen spec. */
const validity: Gate = ({ observed }) => {
  const { spec, problems, hostPathAllowed } = observed;
  if (liveJob(observed) !== undefined) return undefined;
  if (spec === undefined) return { outcome: 'stalled', why: why('InvalidSpec', { problems: problems.join('; ') }) };
  if (spec.model.source.hostPath !== undefined && !hostPathAllowed)
    return { outcome: 'stalled', why: why('HostPathNotAllowed') };
  return undefined;
};

/** A Job that has not ended is left alone. */
const live: Gate = ({ observed }) => {
  const job = liveJob(observed);
  return job === undefined ? undefined : { outcome: 'live', job };
};

/** What the API server refused is not asked for again at once, unless the spec has changed. */
const refused: Gate = ({ observed: { refusal }, now }) => {
  // A clock that was set back makes it no longer.
  if (refusal === undefined || refusal.until <= now || refusal.until > now + REFUSED_MS) return undefined;
  const { until, why, final } = refusal;
  return final ? { outcome: 'stalled', why } : { outcome: 'refused', at: until, why };
};

/** After a failure the next Job waits: longer after each failure since the film got further, shortly after a disruption. */
const backoff: Gate = (context) => {
  const { observed, attempts, now } = context;
  const last = attempts.at(-1);
  const end = last === undefined ? undefined : endOf(last, observed, now);
  if (last === undefined || end === undefined) return undefined;
  // Whoever let the film go on wants it to. A Job that has ended went on before: another pod of it came and went unseen.
  const isByUs = last.outcome === 'Suspended' || last.outcome === 'Resized';
  if (isByUs && jobEndOf(last.job, observed.jobs, now) === 0) return undefined;
  const at = end + delayMs(last, countedFailures(context));
  // An end that is still to come was written by a clock that is wrong: nobody can wait for it.
  if (!(at > now) || end > now) return undefined;
  const values = { attempt: last.number, why: endingOf(last), time: timeText(at) };
  return { outcome: 'later', at, why: why('RetryLater', values) };
};

/**
 * From when on a wait counts. The last pod of a Job may have come and gone without anybody seeing it: then the Job's own end
 * counts. Where the Job is gone, it is when the end was written down: what a pod says is of its node's clock, which may be an hour behind.
 */
function endOf({ job, endTime, recordedTime }: Attempt, { jobs }: Observed, now: number): number | undefined {
  const jobEnd = jobEndOf(job, jobs, now);
  const podEnd = endTime === undefined ? 0 : millisecondsOf(endTime);
  if (jobEnd > 0) return podEnd > now ? jobEnd : Math.max(podEnd, jobEnd);
  const written = recordedTime ?? endTime;
  return written === undefined ? undefined : millisecondsOf(written);
}

/** By the Job controller's clock, which may be behind: no Job ended before the API server made it and its pods. */
function jobEndOf(job: string, jobs: readonly JobView[], now: number): number {
  const found = jobs.find(({ name }) => name === job);
  const told = millisecondsOf(found?.ended?.time ?? '');
  const made = [found?.created, ...(found?.pods ?? []).map(({ created }) => created)];
  return told <= now ? Math.max(told, ...made.map((time) => millisecondsOf(time ?? '') || 0)) : 0;
}

function delayMs(last: Attempt, failures: number): number {
  if (last.outcome !== 'Failed') return FIRST_DELAY_MS;
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1));
}

/**
 * Nothing is in the way: the next attempt starts. A number is used once; only one that was claimed and never became a Job,
 * because the operator ended in between, is taken up again.
 */
const start: Gate = (context) => {
  const { observed, attempts } = context;
  const { claim } = observed.status ?? {};
  const used = [
    ...attempts.map(({ number }) => number),
    ...[...observed.jobs, ...observed.outdated].map(({ number }) => number),
  ];
  if (claim?.jobUid !== undefined) used.push(claim.attempt);
  const last = Math.max(0, ...used);
  const attempt = Math.max(last + 1, claim?.attempt ?? 0);
  return { outcome: 'start', attempt, ...defined({ sized: sizeOf(context, attempt) }) };
};

/** In this order; the first that answers ends the walk. */
const GATES: readonly Gate[] = [
  deletion, // being deleted: hands off
  managed, // somebody else's: hands off
  terminal, // over: stays as it is
  unsure, // caches that lag: look again
  success, // the film is there
  held, // GPUs are not free yet
  failure, // another try cannot help
  exhausted, // enough tries
  suspended, // a person has said: not now
  overdue, // it has taken too long
  validity, // nothing to start from
  live, // a Job is at it
  refused, // the API server said no a moment ago
  backoff, // the next one has to wait
  start, // go
];

/** Where the film stands: what the first gate says that has an answer. */
export function walk(context: Context): Verdict {
  for (const gate of GATES) {
    const verdict = gate(context);
    if (verdict !== undefined) return verdict;
  }
  return { outcome: 'settled' };
}
