import { ANNOTATION_GENERATION } from '../../operator/api/labels.ts';
import type { Attempt, VideoGenerationStatus } from '../../operator/api/status.ts';
import { type Limits, limitsOf } from './life.ts';
import {
  endOf,
  isEvicted,
  isFar,
  isLeaving,
  isTakenAway,
  lingers,
  startOf,
  terminated,
  wasToldToStop,
} from './pod-signs.ts';
import { keyOf, type Stored } from './stand-in-api-server.ts';
import { isTerminal, ownerUid } from './stand-in-controllers.ts';

/** What truly became of a pod, whoever saw it. */
export interface PodTruth {
  readonly uid: string;
  readonly name: string;
  readonly film: string;
  readonly job: string;
  /** What its Job was made from. */
  readonly prompt: string | undefined;
  readonly madeAt: number;
  /** When its container had ended, by no node's clock; its phase may say so later. */
  stoppedAt?: number;
  /** When its runner started, by no node's clock. */
  ranAt?: number;
  /** When its end counted: its phase said so, or its runner had ended while another container went on. */
  endedAt?: number;
  goneAt?: number;
  /** When somebody deleted it. */
  leftAt?: number;
  /** Another container goes on, and keeps its GPUs. */
  holds: boolean;
  /** Its film, if its runner left a result that can be read. */
  sha256?: string;
  /** When reports of it were taken. */
  readonly reportedAt: number[];
  /** When that could be read first. */
  filmAt?: number;
  /** The Job controller took it away while its runner was at work: its Job was suspended. */
  suspendedAt?: number;
  /** It says that somebody evicted it. */
  isEvicted: boolean;
  /** The operator deleted it, and nobody else had a hand in it before. */
  isByUs: boolean;
  /** It ended with 0. */
  well: boolean;
  /** It ended with a code that another try cannot mend. */
  final: boolean;
  /** Its owner was taken off. */
  orphan: boolean;
  /** Its node's clock is wrong. */
  skewed: boolean;
  /** Its film or its Job was suspended before its phase said that it had ended: that may be what ended it. */
  suspended: boolean;
}

/** What truly became of a film. */
export interface FilmTruth {
  readonly uid: string;
  readonly key: string;
  terminalAt: number | undefined;
  /** From when the time after its end counts: when the round that told it decided. */
  overSince: number;
  /** What its resource says now. */
  prompt: string;
  /** Its status was taken away at least once. */
  wiped: boolean;
  /** Its resource says that it is suspended. */
  suspended: boolean;
  readonly pods: PodTruth[];
  /** Uids of the Jobs that the operator has written down. */
  readonly known: Set<string>;
  skewed: boolean;
  /** Prompt by generation. */
  readonly prompts: Map<string, string>;
  /** What its spec has set, oldest first. */
  readonly limits: { readonly at: number; readonly is: Limits }[];
}

export function isOver(status: VideoGenerationStatus | undefined): boolean {
  return (
    status?.conditions?.some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True') ??
    false
  );
}

function overSince({ conditions }: VideoGenerationStatus, now: number, decidedAt: number): number {
  const over = conditions.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
  const told = Date.parse(over?.lastTransitionTime ?? '');
  // Told in whole seconds. Where writes hang, a round takes minutes.
  return told > decidedAt - 1_000 && told <= now ? told : now;
}

/** Whether an attempt is told as ended. */
export function isClosed({ outcome }: Attempt): boolean {
  return outcome !== 'Waiting' && outcome !== 'Running';
}

function newFilm(film: Stored): FilmTruth {
  return {
    uid: film.metadata.uid ?? '',
    key: keyOf(film),
    pods: [],
    known: new Set(),
    skewed: false,
    prompts: new Map(),
    prompt: film.spec.prompt,
    terminalAt: undefined,
    overSince: 0,
    wiped: false,
    suspended: false,
    limits: [],
  };
}

/** The status was taken away: what was known is forgotten, also that it was over. */
function forgetAll(film: FilmTruth): void {
  film.wiped = true;
  film.terminalAt = undefined;
  film.known.clear();
}

interface Write {
  readonly before: Stored | undefined;
  readonly after: Stored | undefined;
  readonly by: string;
}

/** Notes what happens in the API server, as it happens. */
export function createTruth(now: () => number) {
  const films = new Map<string, FilmTruth>();
  const filmOfJob = new Map<string, string>();
  const promptOfJob = new Map<string, string | undefined>();
  /** When a Job was made, or went on last. */
  const begunAt = new Map<string, number>();
  /** When somebody, or a queue, suspended a Job last. */
  const suspendedAt = new Map<string, number>();
  const pods = new Map<string, PodTruth>();
  const suspendPods = (film: FilmTruth | undefined, job?: string) => {
    for (const pod of film?.pods ?? [])
      if (pod.endedAt === undefined && (job === undefined || pod.job === job)) pod.suspended = true;
  };
  const filmOf = (object: Stored) => {
    const film = films.get(object.metadata.uid ?? '') ?? newFilm(object);
    films.set(film.uid, film);
    return film;
  };
  const filmWritten = (before: Stored | undefined, after: Stored | undefined, decidedAt: number) => {
    if (after === undefined) return;
    const film = filmOf(after);
    if (before?.spec !== after.spec) film.limits.push({ at: now(), is: limitsOf(after) });
    film.prompt = after.spec.prompt;
    film.suspended = after.spec.suspend === true;
    if (film.suspended) suspendPods(film);
    film.prompts.set(String(after.metadata.generation), after.spec.prompt);
    if (before?.status?.conditions !== undefined && after.status?.conditions === undefined) forgetAll(film);
    const { jobUid } = after.status?.claim ?? {};
    if (jobUid !== undefined) film.known.add(jobUid);
    if (!isOver(before?.status) && isOver(after.status)) {
      film.terminalAt = now();
      film.overSince = overSince(after.status, now(), decidedAt);
    }
  };
  const jobMade = (uid: string, job: Stored) => {
    filmOfJob.set(uid, ownerUid(job) ?? '');
    const generation = job.metadata.annotations?.[ANNOTATION_GENERATION] ?? '';
    promptOfJob.set(uid, films.get(ownerUid(job) ?? '')?.prompts.get(generation));
  };
  const jobWritten = (before: Stored | undefined, after: Stored | undefined) => {
    const uid = (after ?? before)?.metadata.uid ?? '';
    const film = films.get(filmOfJob.get(uid) ?? '');
    if (after?.spec.suspend === true && before?.spec.suspend !== true) {
      suspendedAt.set(uid, now());
      suspendPods(film, uid);
    }
    if (before === undefined || goesOn(before, after)) begunAt.set(uid, now());
    if (before === undefined && after !== undefined) jobMade(uid, after);
  };
  const podMade = (pod: Stored) => {
    const film = films.get(filmOfJob.get(ownerUid(pod) ?? '') ?? '');
    const { uid = '', name, namespace } = pod.metadata;
    if (film === undefined || film.key.split('/')[0] !== namespace) return;
    const made = {
      uid,
      name,
      film: film.uid,
      job: ownerUid(pod) ?? '',
      prompt: promptOfJob.get(ownerUid(pod) ?? ''),
      madeAt: now(),
      reportedAt: [],
      isEvicted: false,
      isByUs: false,
      well: false,
      holds: false,
      final: false,
      orphan: false,
      skewed: false,
      suspended: film.suspended,
    };
    pods.set(uid, made);
    film.pods.push(made);
  };
  const podChanged = (pod: PodTruth, object: Stored) => {
    pod.orphan = ownerUid(object) === undefined;
    pod.isEvicted = isEvicted(object);
    const startedAt = startOf(object);
    if (startedAt !== undefined && pod.ranAt === undefined) {
      pod.ranAt = now();
      pod.skewed ||= isFar(startedAt, now());
    }
    if (terminated(object) !== undefined) pod.stoppedAt ??= now();
    const end = endOf(object);
    if (end.sha256 !== undefined && pod.sha256 === undefined) Object.assign(pod, { sha256: end.sha256, filmAt: now() });
    pod.holds = lingers(object);
    if ((!isTerminal(object) && !pod.holds) || pod.endedAt !== undefined) return;
    pod.stoppedAt ??= now();
    const skewed = pod.skewed || isFar(terminated(object)?.finishedAt, now());
    Object.assign(pod, end, { endedAt: now(), skewed });
    films.get(pod.film)!.skewed ||= skewed;
  };
  const podTaken = (pod: PodTruth, before: Stored, by: string) => {
    if (by === 'job-controller' && pod.stoppedAt === undefined) pod.suspendedAt = now();
    if (by.startsWith('operator') && !wasToldToStop(before)) pod.isByUs = true;
  };
  const podWritten = (before: Stored | undefined, after: Stored | undefined, by: string) => {
    if (before === undefined && after !== undefined) podMade(after);
    const pod = pods.get((after ?? before)?.metadata.uid ?? '');
    if (pod === undefined) return;
    if (isLeaving(after)) pod.leftAt ??= now();
    if (before !== undefined && isTakenAway(before, after)) podTaken(pod, before, by);
    if (after === undefined) Object.assign(pod, { goneAt: now(), holds: false });
    else podChanged(pod, after);
  };
  return {
    films,
    pods,
    filmOfJob,
    begunAt,
    suspendedAt,
    /** A report of a pod was taken. */
    reported(podUid: string) {
      const pod = pods.get(podUid);
      pod?.reportedAt.push(now());
    },
    /** What is written was decided no sooner than at a moment. */
    written(plural: string, { before, after, by }: Write, decidedAt: number) {
      if (plural === 'videogenerations') filmWritten(before, after, decidedAt);
      if (plural === 'jobs') jobWritten(before, after);
      if (plural === 'pods') podWritten(before, after, by);
    },
  };
}
export type Truth = ReturnType<typeof createTruth>;

function goesOn(before: Stored, after: Stored | undefined): boolean {
  return isSuspended(before) && after !== undefined && !isSuspended(after);
}

function isSuspended({ status }: Stored): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: is }: { type: string; status: string }) => type === 'Suspended' && is === 'True',
  );
}

/** What a Job was to be made from, by the generation that it names. */
export function promptOf({ prompts }: FilmTruth, { metadata }: Stored): string | undefined {
  return prompts.get(metadata.annotations?.[ANNOTATION_GENERATION] ?? '');
}

/** A pod whose runner has not ended, as far as can be told. */
export function isAlive(pod: PodTruth): boolean {
  return pod.endedAt === undefined && pod.goneAt === undefined;
}
