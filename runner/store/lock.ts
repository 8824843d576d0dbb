import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '#contract/error.ts';
import {
  BEAT_SECONDS,
  type Claim,
  claimName,
  claimNumber,
  DEAD_SECONDS,
  describeOwner,
  isTorn,
  judgeClaim,
  parseClaim,
} from './claim.ts';
import { storeError } from './errors.ts';
import { seeProcess, thisProcess } from './owner.ts';
import type { Store } from './store.ts';

/** A store held by this run alone. */
export interface Lock {
  /** Claims of runs that have ended without putting their place in order, oldest first. */
  readonly dead: readonly Claim[];
  /** Throws `E_STORE_LOST` where another run has taken the place over. */
  check(): Promise<void>;
  /** Takes away the claims of dead runs, once what they left is dealt with. */
  forget(dead: readonly Claim[]): Promise<void>;
  /** Gives the place back; with `leaves`, the claim stays there for what the run could not finish. */
  release(leaves?: boolean): Promise<void>;
}

export interface LockOptions {
  /** The film's name, for whoever meets the lock. */
  readonly film: string;
  readonly of: unknown;
  /** Says why nothing happens for a while. */
  readonly warn?: ((text: string) => void) | undefined;
  readonly beatSeconds?: number;
}

interface Found {
  readonly number: number;
  readonly claim: Claim | undefined;
}

const LOOK_AGAIN_MILLISECONDS = 1000;
/** A claim is a few lines of JSON. */
const MOST_CLAIM_BYTES = 2 ** 20;

/**
 * Takes the store for this run: `E_STORE_BUSY` where a living run has it. A dead run is known at once on its own machine; from
 * elsewhere by {@link DEAD_SECONDS} without a sign of life, which are waited for.
 */
export async function takeLock(store: Store, options: LockOptions, signal?: AbortSignal): Promise<Lock> {
  const { film, of, beatSeconds = BEAT_SECONDS } = options;
  const { attempt } = store;
  const claim: Claim = { ...thisProcess(), attempt, film, startedAt: new Date().toISOString(), of };
  const bytes = Buffer.from(`${JSON.stringify(claim)}\n`);
  for (;;) {
    signal?.throwIfAborted();
    const found = await readClaims(store);
    const highest = found.at(-1);
    if (highest !== undefined) await outlive(store, highest, options.warn, signal);
    const number = (highest?.number ?? 0) + 1;
    if (!(await store.putNew(claimName(number), bytes))) {
      if ((await store.look(claimName(number))) === 'no file') throw strange(store, claimName(number));
      continue;
    }
    const after = await readClaims(store);
    if (after.at(-1)?.number === number) return held(store, number, bytes, after, beatSeconds);
    await store.remove(claimName(number));
  }
}

function held(store: Store, number: number, bytes: Uint8Array, found: readonly Found[], beatSeconds: number): Lock {
  const name = claimName(number);
  const dead = found.flatMap(({ number: other, claim }) => (other < number && claim !== undefined ? [claim] : []));
  const isOurs = async () => {
    const stands = await store.get(name).catch(() => undefined);
    const highest = (await readClaims(store)).at(-1)?.number;
    return stands !== undefined && Buffer.compare(stands, bytes) === 0 && highest === number;
  };
  let beating: Promise<unknown> = Promise.resolve();
  const beat = async () => {
    // What could not be read or written now may be at the next beat; only the claim of another run ends this one.
    if (await isOurs()) await store.put(name, bytes);
  };
  const timer = setInterval(() => {
    beating = beating.then(beat).catch(() => undefined);
  }, beatSeconds * 1000);
  timer.unref();

  return {
    dead,
    async check() {
      if (!(await isOurs())) throw storeError('E_STORE_LOST', { path: store.location, seconds: DEAD_SECONDS });
    },
    async forget(over) {
      const gone = new Set(over.map(({ attempt }) => attempt));
      for (const { number: other, claim } of await readClaims(store)) {
        if (other < number && (claim === undefined || gone.has(claim.attempt))) await store.remove(claimName(other));
      }
    },
    async release(leaves = false) {
      clearInterval(timer);
      await beating;
      if (!(await isOurs())) return;
      if (!leaves) return store.remove(name);
      const ended = { ...(JSON.parse(Buffer.from(bytes).toString('utf8')) as Claim), ended: true };
      await store.put(name, Buffer.from(`${JSON.stringify(ended)}\n`));
    },
  };
}

/** The claims in the store, lowest first. A torn one was being written when its run ended, or is being written now. */
async function readClaims(store: Store): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const name of await store.list('running-')) {
    const number = claimNumber(name);
    if (number === undefined) continue;
    const text = await readClaim(store, name);
    if (text === undefined) continue;
    const claim = parseClaim(text);
    if (claim === undefined && !isTorn(text)) throw strange(store, name);
    found.push({ number, claim });
  }
  return found.sort((a, b) => a.number - b.number);
}

/** Its text; undefined where it is gone meanwhile. One that cannot be read may be of a run that lives, so it is not passed over. */
async function readClaim(store: Store, name: string): Promise<string | undefined> {
  const found = await store.look(name);
  if (found === 'nothing') return undefined;
  if (found === 'no file' || found.bytes > MOST_CLAIM_BYTES) throw strange(store, name);
  try {
    return Buffer.from(await store.get(name)).toString('utf8');
  } catch (error) {
    if (error instanceof CodedError && error.code === 'E_STORE_MISSING') return undefined;
    if (error instanceof CodedError && error.exit === 'storage') throw error;
    throw strange(store, name, error);
  }
}

/** Returns once the claim binds nobody. Throws `E_STORE_BUSY` as soon as its run gives a sign of life. */
async function outlive(
  store: Store,
  { number, claim }: Found,
  warn: LockOptions['warn'],
  signal: AbortSignal | undefined,
): Promise<void> {
  let before: number | undefined;
  const began = Date.now();
  for (;;) {
    const age = await store.age(claimName(number));
    if (age === undefined) return;
    const sight = claim === undefined ? 'unknown' : seeProcess(claim);
    const verdict = judgeClaim(claim?.ended === true, sight, age / 1000, before);
    // A torn claim that has been written meanwhile is read anew.
    if (bindsNobody(verdict, claim) || isOfTheFuture(age, Date.now() - began)) return;
    if (verdict === 'held' && claim !== undefined) throw busy(store, claim, sight === 'alive');
    if (before === undefined) warn?.(waiting(claim, DEAD_SECONDS - age / 1000));
    before = age / 1000;
    await sleep(LOOK_AGAIN_MILLISECONDS, undefined, signal && { signal });
  }
}

function bindsNobody(verdict: ReturnType<typeof judgeClaim>, claim: Claim | undefined): boolean {
  return verdict === 'free' || (verdict === 'held' && claim === undefined);
}

/** Written by a clock that was ahead: its age stays 0 for longer than a living run lets it. */
function isOfTheFuture(ageMilliseconds: number, waitedMilliseconds: number): boolean {
  return ageMilliseconds === 0 && waitedMilliseconds > DEAD_SECONDS * 1000;
}

function strange(store: Store, name: string, cause?: unknown) {
  const reason = cause instanceof Error ? ` (${cause.message})` : '';
  return storeError('E_STORE_STRANGE', { path: `${store.location}/${name}`, reason }, cause);
}

function busy(store: Store, claim: Claim, isSeen: boolean) {
  const ways = isSeen ? '' : ` (${DEAD_SECONDS} s after its last sign of life it counts as dead)`;
  return storeError('E_STORE_BUSY', { owner: describeOwner(claim), path: store.location, ways });
}

function waiting(claim: Claim | undefined, seconds: number): string {
  const who = claim === undefined ? 'another run' : describeOwner(claim);
  return `the output folder was in use by ${who}, which cannot be seen from here: waiting up to ${Math.ceil(seconds)} s for a sign of life`;
}
