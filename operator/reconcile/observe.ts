import { problemsOf } from '#contract/problems.ts';
import { specSchema } from '#contract/resource-spec.ts';
import { defined } from '../api/defined.ts';
import { conditionIs, type Job, type ObjectEvent, type Pod } from '../api/kubernetes.ts';
import { ANNOTATION_GENERATION, LABEL_ATTEMPT } from '../api/labels.ts';
import type { Why } from '../api/reasons.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { type JobEnd, type JobView, newestPod, type Observed, type PodView } from './observed.ts';
import { failureWhy, podState, resultOf, runnerEnd } from './policy/outcome.ts';
import { waitingWhy } from './policy/waiting.ts';
import { BY_OWNER, BY_SUBJECT, type Sources } from './sources.ts';

/** Reasons of events about a pod's volumes. */
export const VOLUME_REASONS = ['FailedMount', 'FailedAttachVolume'] as const;
/** Reason of the event about a pod that a Job cannot make: quota, admission, no such service account. */
export const REFUSAL_REASON = 'FailedCreate';

/** Gathers what a decision about one resource depends on. Reads memory only; undefined if the resource is gone. */
export function observe(key: string, sources: Sources, hostPathAllowed: boolean): Observed | undefined {
  const film = sources.films.get(key);
  if (film === undefined) return undefined;
  const { metadata } = film;
  const uid = metadata.uid ?? '';
  const jobs = sources.jobs
    .by(BY_OWNER, uid)
    .map((job) => jobView(job, sources))
    .toSorted((a, b) => a.number - b.number);
  const observed = {
    resource: {
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      uid,
      generation: metadata.generation ?? 0,
      deleting: metadata.deletionTimestamp !== undefined,
    },
    ...parsedSpec(film),
    status: film.status,
    jobs,
    report: undefined,
    hostPathAllowed,
  };
  const pod = newestPod(observed);
  return { ...observed, report: pod === undefined ? undefined : sources.published(pod.uid) };
}

function parsedSpec({ spec }: VideoGeneration): Pick<Observed, 'spec' | 'problems'> {
  const parsed = specSchema.safeParse(spec);
  return parsed.success
    ? { spec: parsed.data, problems: [] }
    : { spec: undefined, problems: problemsOf(parsed.error, spec) };
}

function jobView(job: Job, sources: Sources): JobView {
  const { metadata } = job;
  const uid = metadata.uid ?? '';
  return defined({
    name: metadata.name,
    uid,
    number: Number(metadata.labels?.[LABEL_ATTEMPT] ?? 0),
    generation: Number(metadata.annotations?.[ANNOTATION_GENERATION] ?? 0),
    created: metadata.creationTimestamp,
    ended: jobEnd(job),
    frozen: sources.frozen.has(uid),
    refusal: refusalOf(job, sources.events.by(BY_SUBJECT, uid)),
    pods: sources.pods
      .by(BY_OWNER, uid)
      .toSorted((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))
      .map((pod) => podView(pod, sources)),
  });
}

/** Why a Job cannot make its pod. Each try has another pod name; without it, the same reason reads the same. */
function refusalOf({ metadata: { name } }: Job, events: readonly ObjectEvent[]): string | undefined {
  return latest(events, [REFUSAL_REASON])?.message?.replaceAll(new RegExp(`${name}-[a-z0-9]{5}\\b`, 'g'), `${name}-*`);
}

function jobEnd({ status }: Job): JobEnd | undefined {
  const end = status?.conditions?.find((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True');
  if (end === undefined) return undefined;
  return defined({
    complete: end.type === 'Complete',
    final: end.reason === 'PodFailurePolicy',
    message: end.message ?? end.reason ?? 'no reason given',
    time: end.lastTransitionTime,
  });
}

function podView(pod: Pod, sources: Sources): PodView {
  const { metadata, spec, status } = pod;
  const uid = metadata.uid ?? '';
  const state = podState(pod);
  const end = runnerEnd(pod);
  const common = defined({
    uid,
    name: metadata.name,
    node: spec?.nodeName,
    state,
    scheduled: spec?.nodeName !== undefined || conditionIs(status?.conditions, 'PodScheduled', 'True'),
    startTime: end?.startedAt ?? status?.containerStatuses?.[0]?.state?.running?.startedAt,
  });
  if (state === 'running') return common;
  if (state === 'waiting')
    return { ...common, waiting: waitingWhy(pod, volumeTrouble(sources.events.by(BY_SUBJECT, uid))) };
  const failure = state === 'succeeded' ? undefined : failureWhy(pod);
  return {
    ...common,
    ...defined({ endTime: end?.finishedAt, exitCode: end?.exitCode, result: resultOf(end), failure }),
  };
}

function volumeTrouble(events: readonly ObjectEvent[]): Why | undefined {
  const found = latest(events, VOLUME_REASONS);
  return found?.message === undefined ? undefined : { reason: found.reason ?? '', message: found.message };
}

/** The event of these reasons that was written last. */
function latest(events: readonly ObjectEvent[], reasons: readonly string[]): ObjectEvent | undefined {
  const age = (event: ObjectEvent) => Number(event.metadata.resourceVersion ?? 0);
  return events
    .filter((event) => reasons.includes(event.reason ?? ''))
    .toSorted((a, b) => age(a) - age(b))
    .at(-1);
}
