import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { sourcesOf } from '../../test/build/observed.ts';
import { ended, orphaned, outlived, pod, running, succeededResult } from '../../test/build/pod.ts';
import { roundOptions } from '../../test/build/round.ts';
import { videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import type { Attempt, VideoGenerationStatus } from '../api/status.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import type { Call, KubeClient } from '../kube/client.ts';
import { ApiError } from '../kube/failure.ts';
import { reconcile } from './controller.ts';
import { decide } from './decide.ts';
import { observe } from './observe.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const MOST_ROUNDS = 8;

interface Start {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly jobs: readonly Job[];
  readonly pod: Pod;
  /** What its attempt says by the time when it is deleted. */
  readonly told: Partial<Attempt>;
}

/** A film whose pod is to be deleted by the operator. */
const STARTS: readonly (readonly [string, Start])[] = [
  [
    'that has lost its Job while its film is suspended',
    { spec: { suspend: true }, jobs: [], pod: pod(1, running, orphaned), told: { reason: 'Suspended' } },
  ],
  [
    'whose node is lost',
    {
      spec: { deadlines: { lostNode: '1m' } },
      jobs: [job(1)],
      pod: leaving(pod(1, running)),
      told: { outcome: 'Running' },
    },
  ],
  [
    'in which a container goes on after the runner',
    { spec: {}, jobs: [job(1)], pod: pod(1, ended(1), outlived), told: { outcome: 'Failed' } },
  ],
  [
    'that has lost its Job, and in which a container goes on after the runner',
    { spec: {}, jobs: [], pod: pod(1, ended(1), outlived, orphaned), told: { outcome: 'Failed' } },
  ],
];

function leaving(object: Pod): Pod {
  return { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:10:00Z' } };
}

/** Rounds of the controller over a cluster in which `changed` is what becomes of the pod between each look at it and its deletion. */
async function rounds(
  { spec, jobs, pod: first }: Start,
  changed: (pod: Pod, deletes: number) => Pod,
  { isAnswerLost = false } = {},
) {
  const before = sourcesOf({ jobs: [job(1)], pods: [pod(1, running)], frozen: ['job-1'] });
  const status = decide({ ...observe('films/lighthouse', before, false)!, live: true }, NOW - 60_000).status;
  let film = withStatus(status)(withMetadata({ generation: 2 })(videoGeneration(withSpec(spec))));
  let version = 5000;
  let left: Pod | undefined = first;
  const next = <T extends Pod | VideoGeneration>(object: T): T => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  };
  let patches = 0;
  const counted: string[] = [];
  const deletes: Call[] = [];
  const told: (Attempt | undefined)[] = [];
  const missing = (path: string) => new ApiError({ kind: 'missing', status: 404, message: path });
  const patch = ({ body }: Call) => {
    film = next({ ...film, status: (body as { status: VideoGenerationStatus }).status });
    patches += 1;
    // The client has tried again, on a version that its own first try has ended.
    if (isAnswerLost && patches === 1) throw new ApiError({ kind: 'conflict', status: 409, message: 'version' });
    return film;
  };
  const remove = (call: Call) => {
    if (!call.path.includes('/pods/')) return {};
    deletes.push(call);
    told.push(film.status?.attempts?.at(-1));
    if (left === undefined) throw missing(call.path);
    const after = changed(left, deletes.length);
    left = after === left ? left : next(after);
    const { resourceVersion } = (call.body as { preconditions: { resourceVersion?: string } }).preconditions;
    if (resourceVersion !== undefined && resourceVersion !== left.metadata.resourceVersion)
      throw new ApiError({ kind: 'conflict', status: 409, message: 'precondition' });
    left = undefined;
    return {};
  };
  const get = ({ path }: Call): unknown => {
    const named = new Map<string, () => unknown>([
      ['videogenerations/lighthouse', () => film],
      ['films/jobs', () => ({ items: jobs })],
      ['films/pods', () => ({ items: left === undefined ? [] : [left] })],
      ...jobs.map((one) => [`jobs/${one.metadata.name}`, () => one] as const),
    ]);
    const found = named.get(path.split('/').slice(-2).join('/'));
    if (found === undefined) throw missing(path);
    return found();
  };
  const answers: Readonly<Record<string, (call: Call) => unknown>> = { PATCH: patch, DELETE: remove, GET: get };
  const client = { call: async (call: Call) => answers[call.method]?.(call) } as unknown as KubeClient;
  const sources = sourcesOf({ film, jobs, pods: [first], frozen: ['job-1'] });
  let count = 0;
  while (count < MOST_ROUNDS && left !== undefined && film.status?.output === undefined) {
    count += 1;
    await reconcile('films/lighthouse', {
      ...roundOptions(client, sources, NOW),
      count: (what) => void counted.push(what),
    });
  }
  return { deletes, told, left, counted, output: film.status?.output };
}

const rewritten = (object: Pod): Pod => ({
  ...object,
  status: { ...object.status, conditions: [{ type: 'Ready', status: 'False', message: 'as the kubelet says' }] },
});

describe.each(STARTS)('a pod %s', (_what, start) => {
  it('is deleted in the version that was read, and in no other', async () => {
    const { deletes, left } = await rounds(start, (object) => object);
    expect(left).toBeUndefined();
    expect(deletes.map(({ body }) => (body as { preconditions: object }).preconditions)).toEqual([
      { uid: 'pod-1', resourceVersion: '201' },
    ]);
  });

  it('is deleted only once its attempt says what for, or how it has ended, or that would be told as a disruption', async () => {
    const { told } = await rounds(start, (object) => object);
    expect(told).toEqual([expect.objectContaining(start.told)]);
  });

  it('counts as having ended as often where the answer to what was written of it is lost', async () => {
    const { counted, left } = await rounds(start, (object) => object);
    const lost = await rounds(start, (object) => object, { isAnswerLost: true });
    expect(lost).toMatchObject({ left, counted });
  });

  it('is deleted in the end although its kubelet writes it again and again', async () => {
    const { deletes, left } = await rounds(start, (object, tries) => (tries < 4 ? rewritten(object) : object));
    expect({ left, tries: deletes.length }).toEqual({ left: undefined, tries: 4 });
  });

  it('that has ended with the film since it was read stays until its film is read', async () => {
    const made = (object: Pod): Pod => ({ ...object, status: ended(0, succeededResult)(object).status! });
    const { deletes, output } = await rounds(start, made);
    expect(output?.sha256).toBe(succeededResult.film.sha256);
    expect(deletes).toHaveLength(1);
  });
});
