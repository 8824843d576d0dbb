import { isDeepStrictEqual } from 'node:util';
import type { ObjectMeta } from '../../operator/api/kubernetes.ts';
import { GENERATING_FIELDS } from '../../operator/api/video-generation.ts';
import type { Call } from '../../operator/kube/client.ts';
import { ApiError, failureOfAnswer } from '../../operator/kube/failure.ts';

/** An object as it is stored. Never changed in place: each write stores another one. */
export interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  // biome-ignore lint/suspicious/noExplicitAny: the stand-in stores objects of every kind
  readonly [field: string]: any;
}

export const PLURALS = ['videogenerations', 'jobs', 'pods', 'configmaps', 'events'] as const;
export type Plural = (typeof PLURALS)[number];

/** A line of a watch, with the version that it brings the watcher to. */
export interface LogLine {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Stored;
}

export interface StandInApiServer {
  /** Answers a request at this moment, as the API server would; throws an {@link ApiError}. `by` says who asked. */
  handle(call: Call, by: string): unknown;
  get(plural: Plural, key: string): Stored | undefined;
  list(plural: Plural): readonly Stored[];
  /** Stores an object that does not exist yet; gives it identity and version. */
  create(plural: Plural, object: Stored, by: string): Stored;
  /** Stores what `change` makes of an object, if it exists and was changed. */
  change(plural: Plural, key: string, change: (object: Stored) => Stored, by: string): Stored | undefined;
  /** Asks for the end of an object: it goes at once unless it has finalizers or a grace period. */
  remove(plural: Plural, key: string, options: RemoveOptions, by: string): void;
  /** What has happened to a kind since the beginning. */
  log(plural: Plural): readonly LogLine[];
  version(): string;
}

export interface RemoveOptions {
  readonly foreground?: boolean;
  /** Pods: seconds until it has to be gone. */
  readonly graceSeconds?: number;
}

/** Told of every write after it happened; `after` is undefined for an end. */
export type WriteListener = (write: {
  readonly plural: Plural;
  readonly before: Stored | undefined;
  readonly after: Stored | undefined;
  readonly by: string;
}) => void;

export interface StandInOptions {
  readonly now: () => number;
  readonly newUid: () => string;
  readonly onWrite: WriteListener;
  /** Whether the quota lets a Job in. */
  readonly admits: () => boolean;
}

export const FOREGROUND = 'foregroundDeletion';

export function keyOf({ metadata }: Stored): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Time as the API server writes it. */
export function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * A stand-in for the API server: a model in memory of what the operator relies on. Versions, optimistic concurrency, uids,
 * finalizers, deletion with grace, status apart from spec, and the rule that a started film's fields are fixed.
 */
export function createStandInApiServer({ now, newUid, onWrite, admits }: StandInOptions): StandInApiServer {
  const stores = new Map(PLURALS.map((plural) => [plural, new Map<string, Stored>()]));
  const logs = new Map(PLURALS.map((plural) => [plural, [] as LogLine[]]));
  let version = 1000;
  const storeOf = (plural: Plural) => stores.get(plural)!;
  const stamped = (object: Stored): Stored => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  };
  const drop = (plural: Plural, object: Stored, by: string) => {
    storeOf(plural).delete(keyOf(object));
    logs.get(plural)!.push({ type: 'DELETED', object: stamped(object) });
    onWrite({ plural, before: object, after: undefined, by });
  };
  const create: StandInApiServer['create'] = (plural, object, by) => {
    const { metadata } = object;
    const made = stamped({ ...object, metadata: { ...metadata, uid: newUid(), creationTimestamp: timeOf(now()) } });
    storeOf(plural).set(keyOf(made), made);
    logs.get(plural)!.push({ type: 'ADDED', object: made });
    onWrite({ plural, before: undefined, after: made, by });
    return made;
  };
  const change: StandInApiServer['change'] = (plural, key, modify, by) => {
    const before = storeOf(plural).get(key);
    if (before === undefined) return undefined;
    const wanted = modify(before);
    if (wanted === before) return before;
    const { deletionTimestamp, finalizers = [], deletionGracePeriodSeconds = 0 } = wanted.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0 && deletionGracePeriodSeconds === 0) {
      drop(plural, wanted, by);
      return undefined;
    }
    const after = stamped(wanted);
    storeOf(plural).set(key, after);
    logs.get(plural)!.push({ type: 'MODIFIED', object: after });
    onWrite({ plural, before, after, by });
    return after;
  };
  const remove: StandInApiServer['remove'] = (plural, key, { foreground = false, graceSeconds = 0 }, by) => {
    const found = storeOf(plural).get(key);
    if (found === undefined) return;
    const { metadata } = found;
    const finalizers = [...(metadata.finalizers ?? []), ...(foreground ? [FOREGROUND] : [])];
    if (finalizers.length === 0 && graceSeconds === 0) {
      drop(plural, found, by);
      return;
    }
    if (isLeaving(metadata, finalizers.length, graceSeconds)) return;
    const sooner = Math.min(graceSeconds, metadata.deletionGracePeriodSeconds ?? graceSeconds);
    const marked = {
      ...metadata,
      finalizers: [...new Set(finalizers)],
      deletionTimestamp: metadata.deletionTimestamp ?? timeOf(now() + graceSeconds * 1000),
      deletionGracePeriodSeconds: sooner,
    };
    change(plural, key, (object) => ({ ...object, metadata: marked }), by);
  };

  const handlers = createHandlers({ storeOf, create, change, remove, admits });
  return {
    handle(call, by) {
      const target = targetOf(call);
      return handlers(call, target, by);
    },
    get: (plural, key) => storeOf(plural).get(key),
    list: (plural) => [...storeOf(plural).values()],
    create,
    change,
    remove,
    log: (plural) => logs.get(plural)!,
    version: () => String(version),
  };
}

/** Whether an object is on its way out already, as soon and as thoroughly as it is asked for now. */
function isLeaving(
  { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] }: ObjectMeta,
  finalizerCount: number,
  graceSeconds: number,
): boolean {
  const soon = deletionTimestamp !== undefined && deletionGracePeriodSeconds <= graceSeconds;
  return soon && finalizerCount === finalizers.length;
}

interface Target {
  readonly plural: Plural;
  readonly namespace: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

function targetOf({ path }: Call): Target {
  const [, namespace = '', plural = '', name, subresource] =
    /^\/(?:api|apis\/[^/]+)\/[^/]+\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
  return { namespace, plural: plural as Plural, name, subresource };
}

/** Refuses a request as the API server words it. */
export function refuse(call: Call, code: number, reason: string, message: string, retryAfter?: number): ApiError {
  const after = retryAfter === undefined ? undefined : String(retryAfter);
  return new ApiError(failureOfAnswer(code, { reason, message }, after, `${call.method} ${call.path}`));
}

type Parts = Pick<StandInApiServer, 'create' | 'change' | 'remove'> & {
  readonly storeOf: (plural: Plural) => Map<string, Stored>;
  readonly admits: () => boolean;
};

function createHandlers({ storeOf, create, change, remove, admits }: Parts) {
  const found = (call: Call, { plural, namespace, name }: Target): Stored => {
    const object = storeOf(plural)?.get(`${namespace}/${name}`);
    if (object === undefined) throw refuse(call, 404, 'NotFound', `${plural} "${name}" not found`);
    return object;
  };
  const get = (call: Call, target: Target): unknown => {
    if (target.name !== undefined) return found(call, target);
    const [label, value] = String(call.query?.labelSelector ?? '').split('=');
    const items = [...storeOf(target.plural).values()].filter(
      ({ metadata }) =>
        metadata.namespace === target.namespace && (label === '' || metadata.labels?.[label ?? ''] === value),
    );
    return { items };
  };
  const post = (call: Call, { plural, namespace }: Target, by: string): unknown => {
    const object = JSON.parse(JSON.stringify(call.body)) as Stored;
    const { name } = object.metadata;
    if (storeOf(plural).has(`${namespace}/${name}`)) throw refuse(call, 409, 'AlreadyExists', `"${name}" exists`);
    if (plural === 'jobs' && !admits()) throw refuse(call, 403, 'Forbidden', 'exceeded quota: gpus');
    return create(plural, object, by);
  };
  const patch = (call: Call, target: Target, by: string): unknown => {
    const object = found(call, target);
    const { metadata, status } = call.body as Stored;
    checkPreconditions(call, object, metadata);
    const key = keyOf(object);
    if (target.subresource === 'status') {
      const text = JSON.stringify(status);
      if (text === JSON.stringify(object.status)) return object;
      return change(target.plural, key, (old) => ({ ...old, status: JSON.parse(text) }), by);
    }
    const dropped = (metadata as unknown as Record<string, readonly string[]>)['$deleteFromPrimitiveList/finalizers'];
    const finalizers = (object.metadata.finalizers ?? []).filter((name) => dropped?.includes(name) !== true);
    return change(target.plural, key, (old) => ({ ...old, metadata: { ...old.metadata, finalizers } }), by) ?? object;
  };
  const erase = (call: Call, target: Target, by: string): unknown => {
    const object = found(call, target);
    const { preconditions = {}, propagationPolicy, gracePeriodSeconds = 30 } = (call.body ?? {}) as DeleteOptions;
    checkPreconditions(call, object, preconditions);
    const atWork = target.plural === 'pods' && object.spec?.nodeName !== undefined && !isOver(object);
    const options = { foreground: propagationPolicy === 'Foreground', graceSeconds: atWork ? gracePeriodSeconds : 0 };
    remove(target.plural, keyOf(object), options, by);
    return {};
  };
  return (call: Call, target: Target, by: string): unknown => {
    if (call.method === 'GET') return get(call, target);
    if (call.method === 'POST') return post(call, target, by);
    if (call.method === 'PATCH') return patch(call, target, by);
    if (call.method === 'DELETE') return erase(call, target, by);
    throw refuse(call, 405, 'MethodNotAllowed', 'the stand-in does not know this');
  };
}

interface DeleteOptions {
  readonly preconditions?: Partial<ObjectMeta>;
  readonly propagationPolicy?: string;
  readonly gracePeriodSeconds?: number;
}

function isOver({ status }: Stored): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function checkPreconditions(call: Call, { metadata }: Stored, wanted: Partial<ObjectMeta>): void {
  const wrongUid = wanted.uid !== undefined && wanted.uid !== metadata.uid;
  const wrongVersion = wanted.resourceVersion !== undefined && wanted.resourceVersion !== metadata.resourceVersion;
  if (wrongUid || wrongVersion) throw refuse(call, 409, 'Conflict', 'the object has been modified');
}

/** Changes a film's spec as a person may: not the fields that a started film is made from. Says whether it was taken. */
export function editSpec(server: StandInApiServer, key: string, fields: Readonly<Record<string, unknown>>): boolean {
  const film = server.get('videogenerations', key);
  if (film === undefined) return false;
  const fixed = film.status?.startTime !== undefined;
  const refused = GENERATING_FIELDS.some(
    (field) => field in fields && !isDeepStrictEqual(fields[field], film.spec[field]),
  );
  if (fixed && refused) return false;
  const generation = (film.metadata.generation ?? 0) + 1;
  const edit = (old: Stored): Stored => ({
    ...old,
    spec: { ...old.spec, ...fields },
    metadata: { ...old.metadata, generation },
  });
  server.change('videogenerations', key, edit, 'person');
  return true;
}
