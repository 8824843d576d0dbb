import { CodedError } from '#contract/error.ts';
import { defined } from '../api/defined.ts';
import type { Job } from '../api/kubernetes.ts';
import { ANNOTATION_SPEC_HASH, FIELD_OWNER, VIDEO_GENERATIONS } from '../api/labels.ts';
import { type AttemptOf, runnerJob } from '../job/build.ts';
import { frozenConfigMap } from '../job/frozen-spec.ts';
import { gpusOfJob, mapOf } from '../job/names.ts';
import type { RunnerSettings } from '../job/pod.ts';
import { objectIn } from '../kube/answer.ts';
import { createOwned } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import { failureOf } from '../kube/failure.ts';
import { CONFIG_MAPS, JOBS, PODS, pathOf } from '../kube/resource.ts';
import type { Observed } from './observed.ts';
import type { ActionOutcome } from './settle.ts';
import { learn, type Sources } from './sources.ts';
import type { Action } from './verdict.ts';

/** What actions need beside the observation. */
export interface ActContext {
  readonly client: KubeClient;
  readonly sources: Sources;
  readonly runner: RunnerSettings;
  /** PEM of the authority that runners shall trust when they report. */
  readonly progressCa: string | undefined;
  readonly signal: AbortSignal;
}

/** Carries out actions one after another; stops at the first that does not succeed. Never throws. */
export async function act(
  actions: readonly Action[],
  observed: Observed,
  context: ActContext,
): Promise<readonly ActionOutcome[]> {
  const outcomes: ActionOutcome[] = [];
  for (const action of actions) {
    const outcome = await tryAction(action, observed, context);
    outcomes.push(outcome);
    if (outcome.result !== 'done' && outcome.result !== 'already') break;
  }
  return outcomes;
}

async function tryAction(action: Action, observed: Observed, context: ActContext): Promise<ActionOutcome> {
  try {
    return { action, ...(await perform(action, observed, context)) };
  } catch (error) {
    return { action, ...failed(error) };
  }
}

type Result = Omit<ActionOutcome, 'action'>;

async function perform(action: Action, observed: Observed, context: ActContext): Promise<Result> {
  switch (action.type) {
    case 'create-job':
      return createJob(action, observed, context);
    case 'freeze':
      await freeze(attemptOf(observed, action), { name: action.map, jobUid: action.jobUid }, context);
      return { result: 'done' };
    case 'delete-job':
      return deleteJob(action, observed, context);
    case 'delete-pod':
      return deletePod(action, observed, context);
    case 'delete-film':
      return deleteFilm(observed, context);
  }
}

async function createJob(
  action: Action & { type: 'create-job' },
  observed: Observed,
  context: ActContext,
): Promise<Result> {
  const { client, sources, runner, signal } = context;
  const of = attemptOf(observed, action);
  const options = { fieldOwner: FIELD_OWNER, signal };
  const { object: answer, created } = await createOwned(client, JOBS, runnerJob(of, runner), options);
  const object = objectIn<Job>(answer, pathOf(JOBS, { namespace: of.resource.namespace }));
  const { name, uid = '', deletionTimestamp, annotations } = object.metadata;
  if (deletionTimestamp !== undefined) return { result: 'retry', detail: `Job ${name} is being deleted` };
  learn(sources.jobs, [object]);
  // Made by an earlier try: it is looked at as any other Job, and not given a frozen spec that may be another one.
  if (!created && annotations?.[ANNOTATION_SPEC_HASH] !== of.specHash) return { result: 'stale' };
  try {
    const { gpus: _claimed, ...same } = of;
    await freeze({ ...same, ...defined({ gpus: gpusOfJob(object) }) }, { name: mapOf(object), jobUid: uid }, context);
  } catch (error) {
    // The Job is there all the same.
    sources.frozen.set(uid, false);
    return { ...failed(error), jobUid: uid };
  }
  return { result: created ? 'done' : 'already', jobUid: uid };
}

async function freeze(
  of: AttemptOf,
  map: { readonly name: string; readonly jobUid: string },
  { client, sources, progressCa, signal }: ActContext,
): Promise<void> {
  await createOwned(client, CONFIG_MAPS, frozenConfigMap(of, map, progressCa), { fieldOwner: FIELD_OWNER, signal });
  sources.frozen.set(map.jobUid, true);
}

function deleteJob(
  { name, uid, version }: Action & { type: 'delete-job' },
  { resource: { namespace } }: Observed,
  context: ActContext,
): Promise<Result> {
  const preconditions = defined({ uid, resourceVersion: version });
  return remove(pathOf(JOBS, { namespace, name }), { propagationPolicy: 'Background', preconditions }, context);
}

function deletePod(
  { name, uid, version, force }: Action & { type: 'delete-pod' },
  { resource: { namespace } }: Observed,
  context: ActContext,
): Promise<Result> {
  const now = force ? { gracePeriodSeconds: 0 } : {};
  const preconditions = defined({ uid, resourceVersion: version });
  return remove(pathOf(PODS, { namespace, name }), { ...now, preconditions }, context);
}

/** Its Jobs go with it. */
function deleteFilm({ resource: { namespace, name, uid, version } }: Observed, context: ActContext): Promise<Result> {
  const preconditions = defined({ uid, resourceVersion: version });
  return remove(
    pathOf(VIDEO_GENERATIONS, { namespace, name }),
    { propagationPolicy: 'Background', preconditions },
    context,
  );
}

async function remove(path: string, body: object, { client, signal }: ActContext): Promise<Result> {
  try {
    await client.call({ method: 'DELETE', path, body, signal });
    return { result: 'done' };
  } catch (error) {
    const { kind } = failureOf(error);
    // It has changed since it was read, and may have ended: it is looked at again.
    if (kind === 'conflict') return { result: 'stale' };
    if (kind !== 'missing') throw error;
    return { result: 'already' };
  }
}

/** What a start works from: gates start nothing without a spec. */
function attemptOf(
  { resource, spec, specHash, queue }: Observed,
  { attempt, gpus }: { readonly attempt: number; readonly gpus?: number },
): AttemptOf {
  if (spec === undefined) throw new Error('an attempt cannot start without a valid spec');
  return { resource, spec, attempt, ...defined({ specHash, queue, gpus }) };
}

function failed(error: unknown): Result {
  if (error instanceof CodedError) return { result: 'refused', final: true, detail: error.message };
  const { kind, message, retryAfterMs } = failureOf(error);
  if (kind === 'terminating') return { result: 'moot', detail: message };
  // A quota may be freed and a right given; what is invalid stays so.
  if (kind === 'forbidden' || kind === 'invalid')
    return { result: 'refused', final: kind === 'invalid', detail: message };
  return { result: 'retry', detail: message, ...defined({ retryAfterMs }) };
}
