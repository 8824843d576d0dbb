import { createHash } from 'node:crypto';
import type { BlockEntries } from '../output/stored-blocks.ts';
import { CHECKPOINT_FOLDER } from '../output/survey.ts';
import type { Store } from '../store/store.ts';
import { bytesOf, type F32Tensor } from '../tensor.ts';
import type { Fingerprint } from './fingerprint.ts';
import { type FinishedEntry, FORMAT, isKeptAlone, type Manifest, manifestBytes } from './manifest.ts';
import { isCheckpointFile, isStateOfRun, latentsName, manifestName, stateName } from './names.ts';

/** A run after an iteration, as the pipeline has copied it out. */
export interface Cut {
  readonly iteration: number;
  /** Blocks that have drawn their noise. */
  readonly started: number;
  /** Blocks in flight, oldest first: the arrays of their states end to end. */
  readonly blocks: readonly { readonly block: number; readonly step: number; readonly state: Float32Array }[];
  /** Blocks that have left the queue. */
  readonly finished: number;
}

/** What was written. */
export interface Written {
  readonly iteration: number;
  readonly writtenAt: string;
  /** Of its states and its manifest. */
  readonly bytes: number;
}

/** Writes the checkpoints of one run. Methods throw the store's coded errors; a failure leaves the checkpoints before it. */
export interface CheckpointWriter {
  /** Writes the clean latents of the next block `[1, C, F, h, w]`, once and for all. */
  keep(latents: F32Tensor): Promise<void>;
  /** Whether the latents of a block that an earlier run has written are these. */
  isKept(block: number, latents: F32Tensor): boolean;
  /** Blocks whose latents are written. */
  readonly kept: number;
  /**
   * Writes a cut, its manifest last, and removes all but the newest two. Throws where a block that it counts as finished is not
   * kept. `seen` is called as soon as another run would find it.
   */
  write(cut: Cut, segments: BlockEntries, seen?: () => void): Promise<Written>;
}

const KEPT_CHECKPOINTS = 2;

/** Goes on after `from`, or begins. */
export function openCheckpointWriter(
  store: Store,
  run: { readonly fingerprint: Fingerprint; readonly iterations: number },
  from: Pick<Manifest, 'finished' | 'iteration'> | undefined,
): CheckpointWriter {
  const finished: FinishedEntry[] = [...(from?.finished ?? [])];
  const written: number[] = from === undefined || isKeptAlone(from) ? [] : [from.iteration];

  /** Also what runs before this one have left: checkpoints that could not be used, and states whose manifest was never written. */
  async function removeOlder(): Promise<void> {
    const kept = new Set(written.slice(-KEPT_CHECKPOINTS).flatMap((each) => [manifestName(each), stateName(each)]));
    const names = (await store.list(CHECKPOINT_FOLDER)).filter((name) => isStateOfRun(name) && !kept.has(name));
    for (const name of names) await store.remove(name);
  }

  return {
    get kept() {
      return finished.length;
    },
    isKept: (block, latents) =>
      createHash('sha256').update(bytesOf(latents.data)).digest('hex') === finished[block]?.sha256,
    async keep(latents) {
      const { bytes, sha256 } = await store.put(latentsName(finished.length), bytesOf(latents.data));
      finished.push({ latents: latents.shape[2] ?? 0, bytes, sha256 });
    },
    async write(cut, segments, seen) {
      const { iteration, blocks } = cut;
      if (finished.length < cut.finished)
        throw new Error(`${cut.finished} blocks are finished, and the latents of ${finished.length} are kept`);
      const entries: Manifest['state']['blocks'] = [];
      // Block by block, so that nobody waits for the digests of all of them at once.
      function* states() {
        for (const { block, step, state: numbers } of blocks) {
          const bytes = bytesOf(numbers);
          const sha256 = createHash('sha256').update(bytes).digest('hex');
          entries.push({ block, step, bytes: bytes.byteLength, sha256 });
          yield bytes;
        }
      }
      const state = await store.put(stateName(iteration), states());
      const manifest: Manifest = {
        ...{ generator: 'dualparal', format: FORMAT, writtenAt: new Date().toISOString() },
        ...{ fingerprint: run.fingerprint, iteration, iterations: run.iterations, noisePosition: cut.started },
        state: { bytes: state.bytes, blocks: entries },
        finished: finished.slice(0, cut.finished),
        segments: { ...segments, blocks: segments.blocks.slice(0, cut.finished) },
      };
      const { bytes } = await store.put(manifestName(iteration), manifestBytes(manifest), undefined, seen);
      if (written.at(-1) !== iteration) written.push(iteration);
      await removeOlder();
      return { iteration, writtenAt: manifest.writtenAt, bytes: state.bytes + bytes };
    },
  };
}

/** Removes all checkpoints of a store, manifests first: what is left of a removal that was interrupted is no checkpoint. */
export async function removeCheckpoints(store: Store): Promise<void> {
  const names = (await store.list(CHECKPOINT_FOLDER)).filter(isCheckpointFile);
  for (const name of names) await store.remove(name);
}
