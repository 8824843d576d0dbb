import { createHash } from 'node:crypto';
import { CodedError } from '#contract/error.ts';
import { CHECKPOINT_FOLDER } from '../output/survey.ts';
import type { Store } from '../store/store.ts';
import { checkpointError, checkpointWarning } from './errors.ts';
import { type Fingerprint, fingerprintDifference } from './fingerprint.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { iterationOfName, latentsName, manifestName, stateName } from './names.ts';

/** A checkpoint whose every byte is as it was written. */
export interface Checkpoint {
  readonly store: Store;
  readonly manifest: Manifest;
  /** States of the blocks in flight by block, their arrays end to end; to be cleared once they are where they belong: they are large. */
  readonly states: Map<number, Float32Array>;
}

/** A checkpoint as it is found, whether it can be used or not. */
export interface FoundCheckpoint {
  /** Its file. */
  readonly name: string;
  readonly manifest?: Manifest;
  /** Why it cannot be used. */
  readonly problem?: string;
}

const MOST_MANIFEST_BYTES = 2 ** 27;

/**
 * The newest checkpoint of a store that can be gone on with; undefined where there is none. One that is damaged is passed over for the
 * one before it, and one that would get other bits here for a new beginning; `warn` says so. Throws `E_CHECKPOINT_OTHER` where
 * it is of another film, and `E_STORE_…` where the store does not answer.
 */
export async function readCheckpoint(
  store: Store,
  here: Fingerprint,
  warn: (text: string) => void,
): Promise<Checkpoint | undefined> {
  for (const name of await manifestNames(store)) {
    const path = `${store.location}/${name}`;
    const manifest = await readManifest(store, name);
    if ('reason' in manifest) {
      warn(checkpointWarning('E_CHECKPOINT_PASSED_OVER', { path, reason: manifest.reason }));
      continue;
    }
    const difference = fingerprintDifference(manifest.fingerprint as Fingerprint, here);
    if (difference?.of === 'film') {
      throw checkpointError('E_CHECKPOINT_OTHER', { path, differences: difference.fields.slice(0, 3).join(', ') });
    }
    if (difference !== undefined) {
      const reason = `its bits would not be those of this run: ${difference.fields.join(', ')}`;
      warn(checkpointWarning('E_CHECKPOINT_PASSED_OVER', { path, reason }));
      continue;
    }
    const read = await readData(store, manifest);
    if ('reason' in read) warn(checkpointWarning('E_CHECKPOINT_PASSED_OVER', { path, reason: read.reason }));
    else return { store, manifest, states: read.states };
  }
  return undefined;
}

/** All checkpoints of a store, newest first, each read as going on would read it. Throws `E_STORE_…` errors. */
export async function verifyCheckpoints(store: Store): Promise<readonly FoundCheckpoint[]> {
  const found: FoundCheckpoint[] = [];
  for (const name of await manifestNames(store)) {
    const manifest = await readManifest(store, name);
    if ('reason' in manifest) {
      found.push({ name, problem: manifest.reason });
      continue;
    }
    const read = await readData(store, manifest);
    found.push({ name, manifest, ...('reason' in read ? { problem: read.reason } : {}) });
  }
  return found;
}

/** The clean latents of a finished block, as they were written. Throws `E_CHECKPOINT_DAMAGED`. */
export async function readKeptLatents({ store, manifest }: Checkpoint, block: number): Promise<Float32Array> {
  const name = latentsName(block);
  const entry = manifest.finished[block]!;
  const bytes = await store.get(name);
  if (sha256Of(bytes) !== entry.sha256) {
    throw checkpointError('E_CHECKPOINT_DAMAGED', { path: `${store.location}/${name}`, reason: 'it has changed' });
  }
  return numbersOf(bytes);
}

/** The iteration of a store's newest checkpoint, read from its name alone; undefined where there is none. */
export async function newestIteration(store: Store): Promise<number | undefined> {
  return (await manifestNames(store)).map(iterationOfName)[0];
}

/** Newest first. */
async function manifestNames(store: Store): Promise<readonly string[]> {
  const names = await store.list(CHECKPOINT_FOLDER);
  const iterations = names.map(iterationOfName).filter((iteration) => iteration !== undefined);
  return iterations.sort((a, b) => b - a).map(manifestName);
}

async function readManifest(store: Store, name: string): Promise<Manifest | { readonly reason: string }> {
  try {
    const entry = await store.look(name);
    if (typeof entry === 'string' || entry.bytes > MOST_MANIFEST_BYTES)
      return { reason: 'its manifest is no manifest' };
    const manifest = parseManifest(await store.get(name));
    if ('reason' in manifest || manifestName(manifest.iteration) === name) return manifest;
    return { reason: 'it has the name of another one' };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/** The states, once everything that the manifest names is as it was written. */
async function readData(
  store: Store,
  manifest: Manifest,
): Promise<{ readonly states: Map<number, Float32Array> } | { readonly reason: string }> {
  try {
    const damaged = await damagedLatents(store, manifest);
    if (damaged !== undefined) return { reason: `${damaged} is not as it was written` };
    const name = stateName(manifest.iteration);
    const { bytes, blocks } = manifest.state;
    const found = await store.look(name);
    const isWhole = typeof found !== 'string' && found.bytes === bytes && sum(blocks) === bytes;
    if (!isWhole) return { reason: `${name} is not as long as it was written` };
    const starts = blocks.map((_, index) => sum(blocks.slice(0, index)));
    const read = await severalAtOnce(blocks, async (entry, index) => {
      const state = await store.read(name, starts[index]!, entry.bytes);
      return sha256Of(state) === entry.sha256 ? numbersOf(state) : undefined;
    });
    const wrong = read.indexOf(undefined);
    if (wrong >= 0) return { reason: `the state of block ${blocks[wrong]!.block} is not as it was written` };
    return { states: new Map(blocks.map(({ block }, index) => [block, read[index]!])) };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

async function damagedLatents(store: Store, { finished }: Manifest): Promise<string | undefined> {
  const damaged = await severalAtOnce(finished, async (entry, block) => {
    const name = latentsName(block);
    const found = await store.look(name);
    if (typeof found === 'string' || found.bytes !== entry.bytes) return name;
    return sha256Of(await store.get(name)) === entry.sha256 ? undefined : name;
  });
  return damaged.find((name) => name !== undefined);
}

/** What comes next is read while a digest is made, so that a processor does not wait for the disk nor the disk for it. */
const AT_ONCE = 4;

async function severalAtOnce<T, R>(items: readonly T[], body: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const work = async () => {
    for (const [index, item] of left) results[index] = await body(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
  return results;
}

const sum = (entries: readonly { readonly bytes: number }[]) => entries.reduce((total, { bytes }) => total + bytes, 0);

/** What is missing or damaged is a reason; a store that does not answer is an error. */
function reasonOf(error: unknown): string {
  if (error instanceof CodedError && error.exit !== 'storage') return error.message;
  throw error;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Copied where they lie in the middle of a larger buffer, which may be anybody's. */
function numbersOf(bytes: Uint8Array): Float32Array {
  const { buffer, byteLength } = bytes;
  const own = byteLength === buffer.byteLength ? buffer : new Uint8Array(bytes).buffer;
  return new Float32Array(own);
}
