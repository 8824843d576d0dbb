import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from './client.ts';
import { failureOf } from './failure.ts';
import { type KubeObject, LEASES, pathOf } from './resource.ts';

export interface LeaseTiming {
  /** How long others wait after the last renewal before they take over. */
  readonly durationMs: number;
  /** How long the holder tries to renew before it gives up. */
  readonly renewMs: number;
  readonly retryMs: number;
}

export const LEASE_TIMING: LeaseTiming = { durationMs: 15_000, renewMs: 10_000, retryMs: 2_000 };

export interface LeaseOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly timing?: LeaseTiming;
  readonly now?: () => Date;
  readonly random?: () => number;
  readonly report?: (message: string) => void;
}

/** Leadership that was won. */
export interface Leadership {
  /** Aborted when leadership is lost; everything that writes must stop at once. */
  readonly lost: AbortSignal;
  /** Stops renewing and frees the lease, so that the next one need not wait. */
  release(): Promise<void>;
}

interface Lease extends KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** Last state of the lease that we saw change, and when by our own clock: clocks of others are not trusted. */
interface Observation {
  readonly record: string;
  readonly at: number;
}

/**
 * Waits until this process holds the lease, then keeps renewing it. Each write carries the version that was read, so of
 * two candidates one gets a conflict.
 */
export async function acquireLease(options: LeaseOptions, signal: AbortSignal): Promise<Leadership> {
  const timing = options.timing ?? LEASE_TIMING;
  const random = options.random ?? Math.random;
  let observed: Observation = { record: '', at: 0 };
  for (;;) {
    const attempt = await tryTake(options, timing, observed).catch((error: unknown) => {
      options.report?.(`lease ${options.name}: ${failureOf(error).message}`);
      return { held: undefined, observed };
    });
    observed = attempt.observed;
    if (attempt.held !== undefined) return keepRenewing(options, timing, attempt.held);
    await sleep(timing.retryMs * (1 + random() * 0.2), undefined, { signal });
  }
}

async function tryTake(
  options: LeaseOptions,
  timing: LeaseTiming,
  observed: Observation,
): Promise<{ held: Lease | undefined; observed: Observation }> {
  const found = await read(options);
  if (found === undefined) return { held: await write(options, timing, undefined), observed };
  const record = JSON.stringify(found.spec ?? {});
  const seen = record === observed.record ? observed : { record, at: performance.now() };
  const holder = found.spec?.holderIdentity ?? '';
  const duration = (found.spec?.leaseDurationSeconds ?? timing.durationMs / 1000) * 1000;
  const free = holder === '' || holder === options.identity || performance.now() - seen.at > duration;
  if (!free) return { held: undefined, observed: seen };
  return { held: await write(options, timing, found), observed: seen };
}

function keepRenewing(options: LeaseOptions, timing: LeaseTiming, first: Lease): Leadership {
  const lost = new AbortController();
  const stopping = new AbortController();
  let held = first;
  let renewedAt = performance.now();

  const renew = async () => {
    while (!stopping.signal.aborted) {
      await sleep(timing.retryMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        const left = timing.renewMs - (performance.now() - renewedAt);
        held = await write(options, timing, held, options.identity, AbortSignal.timeout(Math.max(1, Math.ceil(left))));
        renewedAt = performance.now();
      } catch (error) {
        const failure = failureOf(error);
        options.report?.(`lease ${options.name}: ${failure.message}`);
        const taken = failure.kind === 'conflict' && !(await stillOurs());
        if (taken || performance.now() - renewedAt > timing.renewMs) {
          lost.abort();
          return;
        }
      }
    }
  };
  /** After a conflict: somebody may only have touched the object. */
  const stillOurs = async (): Promise<boolean> => {
    const found = await read(options, AbortSignal.timeout(timing.renewMs)).catch(() => held);
    if (found?.spec?.holderIdentity !== options.identity) return false;
    held = found;
    return true;
  };
  const renewing = renew();
  return {
    lost: lost.signal,
    async release() {
      stopping.abort();
      await renewing;
      if (lost.signal.aborted) return;
      await write(options, timing, held, '').catch((error: unknown) => options.report?.(failureOf(error).message));
    },
  };
}

async function read({ client, namespace, name }: LeaseOptions, signal?: AbortSignal): Promise<Lease | undefined> {
  try {
    return await client.call<Lease>({ method: 'GET', path: pathOf(LEASES, { namespace, name }), signal });
  } catch (error) {
    if (failureOf(error).kind === 'missing') return undefined;
    throw error;
  }
}

/** Writes us (or nobody, to release) as the holder on top of the lease that was read. */
function write(
  options: LeaseOptions,
  timing: LeaseTiming,
  found: Lease | undefined,
  holder = options.identity,
  signal?: AbortSignal,
): Promise<Lease> {
  const { client, namespace, name } = options;
  const now = microTime((options.now ?? (() => new Date()))());
  const before = found?.spec;
  const same = before?.holderIdentity === holder;
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: found?.metadata ?? { name, namespace },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: holder === '' ? 1 : Math.ceil(timing.durationMs / 1000),
      acquireTime: same ? (before?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (same || holder === '' ? 0 : 1),
    },
  };
  if (found === undefined)
    return client.call<Lease>({ method: 'POST', path: pathOf(LEASES, { namespace }), body: lease });
  return client.call<Lease>({ method: 'PUT', path: pathOf(LEASES, { namespace, name }), body: lease, signal });
}

/** Kubernetes' MicroTime. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
