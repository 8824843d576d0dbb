import { CodedError } from '#contract/error.ts';
import type { Job } from '../api/kubernetes.ts';
import { FIELD_OWNER } from '../api/labels.ts';
import { type AttemptOf, runnerJob } from '../job/build.ts';
import { frozenConfigMap } from '../job/frozen-spec.ts';
import type { RunnerSettings } from '../job/pod.ts';
import { createOwned } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import { failureOf } from '../kube/failure.ts';
import { CONFIG_MAPS, JOBS, pathOf } from '../kube/resource.ts';
import type { Observed } from './observed.ts';
import type { ActionOutcome } from './settle.ts';
import type { Sources } from './sources.ts';
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
      await freeze(attemptOf(observed, action.attempt), action.jobUid, context);
      return { result: 'done' };
    case 'delete-job':
      return deleteJob(action, observed, context);
  }
}

async function createJob(
  action: Action & { type: 'create-job' },
  observed: Observed,
  context: ActContext,
): Promise<Result> {
  const { client, sources, runner, signal } = context;
  if (action.after !== undefined && (await isAtWork(action.after, observed, context))) {
    return { result: 'retry', detail: `Job ${action.after} has not ended` };
  }
  const of = attemptOf(observed, action.attempt);
  const { object, created } = await createOwned(client, JOBS, runnerJob(of, runner), {
    fieldOwner: FIELD_OWNER,
    signal,
  });
  if (object.metadata.deletionTimestamp !== undefined)
    return { result: 'retry', detail: `Job ${object.metadata.name} is being deleted` };
  await freeze(of, object.metadata.uid ?? '', context);
  sources.jobs.learn(object);
  return { result: created ? 'done' : 'already' };
}

/** Asks the API server itself, since the cache may be behind. */
async function isAtWork(name: string, { resource }: Observed, { client, signal }: ActContext): Promise<boolean> {
  try {
    const job = await client.call<Job>({
      method: 'GET',
      path: pathOf(JOBS, { namespace: resource.namespace, name }),
      signal,
    });
    return !(
      job.status?.conditions?.some((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True') ??
      false
    );
  } catch (error) {
    if (failureOf(error).kind === 'missing') return false;
    throw error;
  }
}

async function freeze(
  of: AttemptOf,
  jobUid: string,
  { client, sources, progressCa, signal }: ActContext,
): Promise<void> {
  await createOwned(client, CONFIG_MAPS, frozenConfigMap(of, jobUid, progressCa), { fieldOwner: FIELD_OWNER, signal });
  sources.frozen.add(jobUid);
}

async function deleteJob(
  action: Action & { type: 'delete-job' },
  { resource }: Observed,
  { client, signal }: ActContext,
): Promise<Result> {
  try {
    await client.call({
      method: 'DELETE',
      path: pathOf(JOBS, { namespace: resource.namespace, name: action.name }),
      body: { propagationPolicy: 'Background', preconditions: { uid: action.uid } },
      signal,
    });
    return { result: 'done' };
  } catch (error) {
    const { kind } = failureOf(error);
    if (kind !== 'missing' && kind !== 'conflict') throw error;
    return { result: 'already' };
  }
}

/** What a start works from: gates start nothing without a spec. */
function attemptOf({ resource, spec }: Observed, attempt: number): AttemptOf {
  if (spec === undefined) throw new Error('an attempt cannot start without a valid spec');
  return { resource, spec, attempt };
}

function failed(error: unknown): Result {
  if (error instanceof CodedError) return { result: 'refused', detail: error.message };
  const { kind, message } = failureOf(error);
  if (kind === 'terminating') return { result: 'moot', detail: message };
  return { result: kind === 'forbidden' || kind === 'invalid' ? 'refused' : 'retry', detail: message };
}
