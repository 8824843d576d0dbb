import { createHash } from 'node:crypto';
import { CodedError } from '#contract/error.ts';
import { CHECKPOINT_FOLDER } from '../output/survey.ts';
import type { Store } from '../store/store.ts';
import { bytesOf } from '../tensor.ts';
import { checkpointError, checkpointWarning } from './errors.ts';
import { type Fingerprint, fingerprintDifference } from './fingerprint.ts';
import { type FinishedEntry, type Manifest, parseManifest } from './manifest.ts';
import { iterationOfName, latentsName, manifestName, stateName } from './names.ts';

/** A checkpoint that can be gone on with as far as its manifest says; what it names is looked at when it is read. */
export interface Checkpoint {
  readonly store: Store;
  /** Of its manifest, as people find it. */
  readonly path: string;
  readonly manifest: Manifest;
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

/** How a checkpoint is looked for. */
export interface CheckpointSearch {
  readonly here: Fingerprint;
  /** Why what a manifest names is not what a run of this plan has after its iteration; undefined where it is. */
  readonly notOfPlan: (manifest: Manifest) => string | undefined;
  /** Paths of those that have been found to be damaged. */
  readonly passedOver?: ReadonlySet<string>;
  readonly warn: (text: string) => void;
}

/**
 * The newest checkpoint of a store that can be gone on with, as far as its manifest and the sizes of its files say; undefined where
 * there is none. One that is damaged is passed over for the one before it, and one that would get other bits here for a new beginning;
 * `warn` says so. Throws `E_CHECKPOINT_OTHER` where it is of another film, and `E_STORE_…` where the store does not answer.
 */
export async function findNewest(
  store: Store,
  { here, notOfPlan, passedOver, warn }: CheckpointSearch,
): Promise<Checkpoint | undefined> {
  for (const name of await manifestNames(store)) {
    const path = `${store.location}/${name}`;
    if (passedOver?.has(path) === true) continue;
    const manifest = await readManifest(store, name);
    if ('reason' in manifest) {
      warn(checkpointWarning('E_CHECKPOINT_PASSED_OVER', { path, reason: manifest.reason }));
      continue;
    }
    const difference = fingerprintDifference(manifest.fingerprint as Fingerprint, here);
    if (difference?.of === 'film') {
      throw checkpointError('E_CHECKPOINT_OTHER', { path, differences: difference.fields.slice(0, 3).join(', ') });
    }
    const reason =
      difference === undefined
        ? (notOfPlan(manifest) ?? (await wrongSize(store, manifest)))
        : `its bits would not be those of this run: ${difference.fields.join(', ')}`;
    if (reason === undefined) return { store, path, manifest };
    warn(checkpointWarning('E_CHECKPOINT_PASSED_OVER', { path, reason }));
  }
  return undefined;
}

/**
 * Where no checkpoint can be gone on with: the finished blocks that the newest manifest names, up to the first whose clean latents are not as
 * they were written, as a checkpoint before the first iteration. Undefined where there is none. Throws `E_STORE_…` errors.
 */
export async function findKept(
  store: Store,
  { here, passedOver }: Pick<CheckpointSearch, 'here' | 'passedOver'>,
): Promise<Checkpoint | undefined> {
  const path = `${store.location}/${CHECKPOINT_FOLDER}latents-*`;
  if (passedOver?.has(path) === true) return undefined;
  for (const name of await manifestNames(store)) {
    const manifest = await readManifest(store, name);
    if ('reason' in manifest || fingerprintDifference(manifest.fingerprint as Fingerprint, here)) continue;
    const finished: FinishedEntry[] = [];
    for (const entry of manifest.finished) {
      if (typeof (await latentsOf(store, entry, finished.length)) === 'string') break;
      finished.push(entry);
    }
    if (finished.length === 0) continue;
    const segments = { ...manifest.segments, blocks: manifest.segments.blocks.slice(0, finished.length) };
    const state = { bytes: 0, blocks: [] };
    return { store, path, manifest: { ...manifest, iteration: -1, noisePosition: 0, state, finished, segments } };
  }
  return undefined;
}

/** Where a run wants the numbers of a checkpoint. */
export interface CheckpointPlaces {
  /** State of a block in flight: its arrays, end to end. */
  state(block: number): Float32Array;
  /** Clean latents of the block that left the queue last; null where nobody wants them. */
  readonly lastFinished: Float32Array | null;
}

/**
 * Reads a checkpoint, once, to where it belongs, and compares all that its manifest names with what was written. Throws
 * `E_CHECKPOINT_PASSED_OVER` where that differs, whatever lies in the places by then.
 */
export async function readCheckpoint({ store, path, manifest }: Checkpoint, places: CheckpointPlaces): Promise<void> {
  const reason = await damageOf(store, manifest, places);
  if (reason !== undefined) throw checkpointError('E_CHECKPOINT_PASSED_OVER', { path, reason });
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
    const problem = (await wrongSize(store, manifest)) ?? (await damageOf(store, manifest, scratchFor(manifest)));
    found.push({ name, manifest, ...(problem === undefined ? {} : { problem }) });
  }
  return found;
}

/** The clean latents of a finished block, as they were written. Throws `E_CHECKPOINT_PASSED_OVER`. */
export async function readKeptLatents(checkpoint: Checkpoint, block: number): Promise<Float32Array> {
  return numbersOf(await keptBytes(checkpoint, block));
}

/** The file of a finished block's latents, as it was written. Throws `E_CHECKPOINT_PASSED_OVER`. */
export async function keptBytes({ store, path, manifest }: Checkpoint, block: number): Promise<Uint8Array> {
  const read = await latentsOf(store, manifest.finished[block]!, block);
  if (typeof read === 'string') throw checkpointError('E_CHECKPOINT_PASSED_OVER', { path, reason: read });
  return read;
}

/** The bytes of a finished block's latents, or why they are not what was written. */
async function latentsOf(store: Store, { sha256 }: FinishedEntry, block: number): Promise<Uint8Array | string> {
  try {
    const bytes = await store.get(latentsName(block));
    return sha256Of(bytes) === sha256 ? bytes : `${latentsName(block)} is not as it was written`;
  } catch (error) {
    return reasonOf(error);
  }
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

/** Why a manifest's files cannot be what was written, by their sizes alone. */
async function wrongSize(store: Store, { iteration, state, finished }: Manifest): Promise<string | undefined> {
  try {
    const wanted = [
      { name: stateName(iteration), bytes: state.bytes },
      ...finished.map(({ bytes }, block) => ({ name: latentsName(block), bytes })),
    ];
    const found = await severalAtOnce(wanted, ({ name }) => store.look(name));
    const wrong = found.findIndex((entry, index) => typeof entry === 'string' || entry.bytes !== wanted[index]!.bytes);
    if (wrong >= 0) return `${wanted[wrong]!.name} is not as long as it was written`;
    return sum(state.blocks) === state.bytes ? undefined : 'its states are not those that it names';
  } catch (error) {
    return reasonOf(error);
  }
}

/** What is not as it was written, once all of it is read. */
async function damageOf(store: Store, manifest: Manifest, places: CheckpointPlaces): Promise<string | undefined> {
  const { iteration, state, finished } = manifest;
  const starts = state.blocks.map((_, index) => sum(state.blocks.slice(0, index)));
  const readState = async ({ block, bytes, sha256 }: Manifest['state']['blocks'][number], index: number) => {
    const to = bytesOf(places.state(block));
    const isWhole =
      to.byteLength === bytes && (await store.readInto(stateName(iteration), starts[index]!, to)) === bytes;
    return isWhole && sha256Of(to) === sha256 ? undefined : `the state of block ${block} is not as it was written`;
  };
  const readLatents = async (entry: FinishedEntry, block: number) => {
    const read = await latentsOf(store, entry, block);
    if (typeof read === 'string') return read;
    if (block === finished.length - 1) places.lastFinished?.set(numbersOf(read));
    return undefined;
  };
  try {
    const damaged = [
      ...(await severalAtOnce(state.blocks, readState)),
      ...(await severalAtOnce(finished, readLatents)),
    ];
    return damaged.find((reason) => reason !== undefined);
  } catch (error) {
    return reasonOf(error);
  }
}

/** Room for what is only looked at. */
function scratchFor({ state }: Manifest): CheckpointPlaces {
  const bytesOfBlock = new Map(state.blocks.map(({ block, bytes }) => [block, bytes]));
  const numbers = (bytes: number) => new Float32Array(Math.ceil(bytes / Float32Array.BYTES_PER_ELEMENT));
  return { state: (block) => numbers(bytesOfBlock.get(block) ?? 0), lastFinished: null };
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
