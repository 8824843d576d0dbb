import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from './client.ts';
import { ApiError, failureOf } from './failure.ts';
import { createGate, type Gate } from './gate.ts';
import { type KubeObject, LEASES, pathOf } from './resource.ts';

export interface LeaseTiming {
  /** How long others wait after the last renewal before they take over. */
  readonly durationMs: number;
  /** How long the holder goes on after its last renewal; the rest of the duration is for requests under way. */
  readonly renewMs: number;
  /** The holder renews this often; candidates look twice as often. */
  readonly retryMs: number;
}

export const LEASE_TIMING: LeaseTiming = { durationMs: 15_000, renewMs: 10_000, retryMs: 2_000 };
/** A free lease is worth little to somebody who waits longer than its holder needed to stop. */
const RELEASE_MS = 1_500;

export interface LeaseOptions {
  /** Better one of its own, so that no other request is ever in front of a renewal; not held back by `gate`. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** What people know this process by. Whatever it is, two processes never count as one holder. */
  readonly identity: string;
  /** Closed when leadership ends: everything that writes goes through it. */
  readonly gate?: Gate;
  readonly timing?: LeaseTiming;
  readonly now?: () => Date;
  readonly random?: () => number;
  readonly warn?: (message: string) => void;
}

/** Leadership that was won. */
export interface Leadership {
  /** Aborted when leadership is lost or was let go; everything that writes must stop at once. */
  readonly lost: AbortSignal;
  /** Closes the gate, stops renewing and frees the lease, so that the next one need not wait. */
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

/** How many states of a lease are remembered: as many API servers may each answer with one of their own that is old. */
const RECORDS = 16;

/** States of the lease that we have seen, and when one was new by our own clock: clocks of others are not trusted. */
interface Observation {
  /** The one seen last is the last. */
  readonly records: readonly string[];
  readonly at: number;
  /** Time by our clock from which the lease may be taken. */
  readonly freeAt: number;
}

/** What does not change while a process stands for the lease. */
interface Candidacy extends LeaseOptions {
  readonly timing: LeaseTiming;
  readonly gate: Gate;
  /** The identity and a part that no other process has. */
  readonly holder: string;
}

/**
 * Waits until this process holds the lease, then keeps renewing it. Each write carries the version that was read, so of
 * two candidates one gets a conflict. Leadership ends `renewMs` after the last renewal was *sent*, whatever the server,
 * the network or this process does meanwhile.
 */
export async function acquireLease(options: LeaseOptions, signal: AbortSignal): Promise<Leadership> {
  const timing = options.timing ?? LEASE_TIMING;
  const random = options.random ?? Math.random;
  const holder = `${options.identity}_${randomUUID()}`;
  const candidacy: Candidacy = { ...options, timing, holder, gate: options.gate ?? createGate() };
  let observed: Observation = { records: [], at: 0, freeAt: 0 };
  for (;;) {
    signal.throwIfAborted();
    const sentAt = performance.now();
    const attempt = await tryTake(candidacy, observed, signal).catch((error: unknown) => {
      if (!signal.aborted) options.warn?.(`lease ${options.name}: ${failureOf(error).message}`);
      return { held: undefined, observed };
    });
    observed = attempt.observed;
    if (attempt.held !== undefined) return keepRenewing(candidacy, attempt.held, sentAt);
    const look = (timing.retryMs / 2) * (1 + random() * 0.2);
    const free = observed.freeAt - performance.now();
    await sleep(free > 0 ? Math.min(look, free) : look, undefined, { signal });
  }
}

async function tryTake(
  candidacy: Candidacy,
  observed: Observation,
  signal: AbortSignal,
): Promise<{ held: Lease | undefined; observed: Observation }> {
  const { timing, holder } = candidacy;
  // A write that was sent is waited for also when the process shall stop: it may have won, and then it must be let go.
  const take = (found: Lease | undefined) =>
    write(candidacy, found, holder, AbortSignal.timeout(Math.ceil(timing.renewMs / 2)));
  const found = await read(candidacy, AbortSignal.any([signal, AbortSignal.timeout(timing.renewMs)]));
  if (found === undefined) return { held: await take(undefined), observed };
  const seen = withRecord(observed, JSON.stringify(found.spec ?? {}));
  const theirs = found.spec?.holderIdentity ?? '';
  // A holder goes on for its own time, whatever somebody has written into its lease.
  const duration = Math.max((found.spec?.leaseDurationSeconds ?? 0) * 1000, timing.durationMs);
  if (theirs === '' || theirs === holder || performance.now() - seen.at > duration)
    return { held: await take(found), observed: seen };
  return { held: undefined, observed: { ...seen, freeAt: seen.at + duration + 1 } };
}

/**
 * A holder that is well writes what was never there before. What was seen already is no sign of it, but an old answer: taken for a change,
 * two API servers that answer in turn, one of them late, would keep a dead holder's lease for ever.
 */
function withRecord({ records, at }: Observation, record: string): Observation {
  const others = records.filter((other) => other !== record);
  const isNew = others.length === records.length;
  return { records: [...others, record].slice(-RECORDS), at: isNew ? performance.now() : at, freeAt: 0 };
}

function keepRenewing(candidacy: Candidacy, first: Lease, firstSentAt: number): Leadership {
  const { timing, gate, holder, warn } = candidacy;
  const stopping = new AbortController();
  const ended = AbortSignal.any([stopping.signal, gate.signal]);
  let held = first;
  gate.openUntil(firstSentAt + timing.renewMs);

  const renewOnce = async () => {
    const sentAt = performance.now();
    // Half of the time for one try, so that a connection that is dead costs a try and not the lease.
    const limit = AbortSignal.timeout(Math.ceil(timing.renewMs / 2));
    held = await write(candidacy, held, holder, AbortSignal.any([gate.signal, limit]));
    gate.openUntil(sentAt + timing.renewMs);
  };
  /** After a refusal that speaks of the object: somebody may only have touched it, or the answer to our own write was lost. */
  const checkHolder = async () => {
    const found = await read(candidacy, AbortSignal.any([gate.signal, AbortSignal.timeout(timing.renewMs)]));
    if (found === undefined) gate.close('the lease was deleted');
    else if (found.spec?.holderIdentity === holder) held = found;
    else gate.close(`the lease was taken by ${found.spec?.holderIdentity ?? 'nobody'}`);
  };
  const tell = (error: unknown) => warn?.(`lease ${candidacy.name}: ${failureOf(error).message}`);
  const renew = async () => {
    while (!ended.aborted) {
      await sleep(timing.retryMs, undefined, { signal: ended }).catch(() => {});
      if (ended.aborted || !gate.isOpen()) return;
      try {
        await renewOnce();
      } catch (error) {
        tell(error);
        if (['conflict', 'missing', 'exists'].includes(failureOf(error).kind)) await checkHolder().catch(tell);
      }
    }
  };
  const renewing = renew();
  const free = async () => {
    const signal = AbortSignal.timeout(RELEASE_MS);
    try {
      await write(candidacy, held, '', signal);
    } catch (error) {
      if (failureOf(error).kind !== 'conflict') throw error;
      // A renewal was under way and has won.
      const found = await read(candidacy, signal);
      if (found?.spec?.holderIdentity === holder) await write(candidacy, found, '', signal);
    }
  };
  return {
    lost: gate.signal,
    async release() {
      const ours = gate.isOpen();
      stopping.abort();
      gate.close('the lease was let go');
      await renewing;
      if (ours) await free().catch(tell);
    },
  };
}

async function read({ client, namespace, name }: Candidacy, signal: AbortSignal): Promise<Lease | undefined> {
  try {
    const path = pathOf(LEASES, { namespace, name });
    return leaseOf(await client.call<unknown>({ method: 'GET', path, signal }), name);
  } catch (error) {
    if (failureOf(error).kind === 'missing') return undefined;
    throw error;
  }
}

/** Writes us (or nobody, to release) as the holder on top of the lease that was read. */
async function write(
  { client, namespace, name, timing, now: clock = () => new Date() }: Candidacy,
  found: Lease | undefined,
  holder: string,
  signal: AbortSignal,
): Promise<Lease> {
  const now = microTime(clock());
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
  const answer =
    found === undefined
      ? await client.call({ method: 'POST', path: pathOf(LEASES, { namespace }), body: lease, signal })
      : await client.call({ method: 'PUT', path: pathOf(LEASES, { namespace, name }), body: lease, signal });
  const written = leaseOf(answer, name);
  if ((written.spec?.holderIdentity ?? '') !== holder) throw noLease('does not say what was written');
  return written;
}

/** Our lease, which an answer holds. Something between us and the API server may answer 200 with anything: that renews and frees nothing. */
function leaseOf(answer: unknown, name: string): Lease {
  const lease = answer as Lease | null | undefined;
  // A lease may have no holder, and even no spec: what only looks like that must not count as one to be taken.
  if (lease?.kind !== 'Lease' || lease.metadata?.name !== name) throw noLease('is no lease of that name');
  // Without its version, the next write would go over whatever is there.
  if (typeof lease.metadata.resourceVersion !== 'string') throw noLease('has no version');
  return lease;
}

function noLease(what: string): ApiError {
  return new ApiError({ kind: 'retry', status: 0, message: `the answer ${what}` });
}

/** Kubernetes' MicroTime. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
