/** What must hold in every life of a film, whatever went wrong on the way. */
import { conditionIs, type Job, type Pod } from '../../../operator/api/kubernetes.ts';
import { ANNOTATION_GENERATION } from '../../../operator/api/labels.ts';
import type { VideoGenerationStatus } from '../../../operator/api/status.ts';
import type { Change } from './history.ts';

/**
 * A pod that was there for so long before a start was claimed must have been seen by whoever claimed it; who has claimed a start
 * cannot know that the film is deleted before the Job is made, but goes no further than that.
 */
const SEEN_AFTER_MS = 2_000;

/** Prompt of a film of this generation: so a frozen spec shows what it was made from. */
export const promptOf = (generation: number) => `version ${generation}`;

interface State {
  readonly jobs: Map<string, Job>;
  readonly pods: Map<string, { readonly pod: Pod; readonly since: number }>;
  readonly generations: Map<string, number>;
  status: VideoGenerationStatus | undefined;
  claimedAt: number;
  /** SHA-256 of the film that a pod has left. */
  result: string | undefined;
  deletedAt: number;
}

export const isOver = (status: VideoGenerationStatus | undefined) =>
  conditionIs(status?.conditions, 'Complete', 'True') || conditionIs(status?.conditions, 'Failed', 'True');
export const isOpen = ({ metadata, status }: Job) =>
  metadata.deletionTimestamp === undefined &&
  !conditionIs(status?.conditions, 'Complete', 'True') &&
  !conditionIs(status?.conditions, 'Failed', 'True');
export const holdsGpus = ({ status }: Pod) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

/** All that was wrong in the life of one film; its changes in the order of the API server, up to a time of quiet. */
export function wrongsOf(changes: readonly Change[]): readonly string[] {
  const state: State = {
    ...{ jobs: new Map(), pods: new Map(), generations: new Map() },
    ...{
      status: undefined,
      claimedAt: Number.POSITIVE_INFINITY,
      result: undefined,
      deletedAt: Number.POSITIVE_INFINITY,
    },
  };
  return [...new Set([...changes.flatMap((change) => wrongChange(change, state)), ...wrongEnd(state)])];
}

function wrongChange(change: Change, state: State): readonly string[] {
  if (change.kind === 'film') return wrongFilm(change, state);
  if (change.kind === 'map') return change.type === 'ADDED' ? wrongMap(change.object, state) : [];
  const uid = change.object.metadata.uid ?? '';
  if (change.kind === 'pod') {
    if (change.type === 'DELETED') state.pods.delete(uid);
    else state.pods.set(uid, { pod: change.object, since: state.pods.get(uid)?.since ?? change.at });
    const end = change.object.status?.containerStatuses?.[0]?.state?.terminated;
    if (end?.exitCode === 0) state.result = JSON.parse(end.message ?? '{}').film?.sha256;
    return [];
  }
  const wrongs = change.type === 'ADDED' ? wrongStart(change.object, change.at, state) : [];
  if (change.type === 'DELETED') state.jobs.delete(uid);
  else state.jobs.set(uid, change.object);
  state.generations.set(
    change.object.metadata.name,
    Number(change.object.metadata.annotations?.[ANNOTATION_GENERATION]),
  );
  return wrongs;
}

function wrongStart(job: Job, at: number, { jobs, pods, status, claimedAt, deletedAt }: State): readonly string[] {
  const { name, uid } = job.metadata;
  const others = [...jobs.values()].filter((other) => other.metadata.uid !== uid && isOpen(other));
  const held = [...pods.values()].filter(({ pod, since }) => holdsGpus(pod) && since < claimedAt - SEEN_AFTER_MS);
  return [
    ...(isOver(status) ? [`${name} was made for a film that is over`] : []),
    ...(deletedAt < at - SEEN_AFTER_MS ? [`${name} was made for a film that is gone`] : []),
    ...(status?.claim?.job === name ? [] : [`${name} was made without a claim`]),
    ...others.map((other) => `${name} was made while ${other.metadata.name} goes on`),
    ...held.map(({ pod }) => `${name} was made while ${pod.metadata.name} holds its GPUs`),
  ];
}

function wrongFilm({ type, object, at }: Extract<Change, { kind: 'film' }>, state: State): readonly string[] {
  const before = state.status;
  const { status } = object;
  if (type === 'DELETED') {
    state.deletedAt = at;
    return [];
  }
  state.status = status;
  if (status?.claim?.attempt !== before?.claim?.attempt) state.claimedAt = at;
  const less = (what: 'failures' | 'disruptions') =>
    (status?.[what] ?? 0) < (before?.[what] ?? 0) ? [`${what} went from ${before?.[what]} to ${status?.[what]}`] : [];
  const turned = isOver(before) && status?.phase !== before?.phase ? [`${before?.phase} became ${status?.phase}`] : [];
  const taken = before?.output !== undefined && status?.output === undefined ? ['the output was taken back'] : [];
  const earlier = (status?.claim?.attempt ?? 0) < (before?.claim?.attempt ?? 0) ? ['the claim went back'] : [];
  const noResult =
    status?.phase === 'Failed' && state.result !== undefined ? ['failed although its film is there'] : [];
  return [...less('failures'), ...less('disruptions'), ...turned, ...taken, ...earlier, ...noResult];
}

function wrongMap(
  map: { metadata: { name: string }; data?: Readonly<Record<string, string>> },
  { generations }: State,
) {
  const generation = generations.get(map.metadata.name.replace(/-[0-9a-f]{8}$/, ''));
  const { prompts, prompt } = JSON.parse(map.data?.['job.json'] ?? '{}');
  const text = prompt ?? prompts?.[0]?.text;
  return text === promptOf(generation ?? 0) ? [] : [`${map.metadata.name} of generation ${generation} says '${text}'`];
}

function wrongEnd({ jobs, pods, status, result, deletedAt }: State): readonly string[] {
  const open = [...jobs.values()].filter(isOpen).map((job) => `${job.metadata.name} goes on at the end`);
  const held = [...pods.values()].filter(({ pod }) => holdsGpus(pod));
  const holding = held.map(({ pod }) => `${pod.metadata.name} holds its GPUs at the end`);
  if (deletedAt < Number.POSITIVE_INFINITY) return [...open, ...holding];
  const never = isOver(status)
    ? []
    : [`did not end: ${status?.phase ?? 'no status'}, ${status?.reason}: ${status?.message}`];
  const lost = result !== undefined && status?.output?.sha256 !== result ? ['its result was lost'] : [];
  return [...never, ...lost, ...open, ...holding];
}
