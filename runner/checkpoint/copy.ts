import type { Store } from '../store/store.ts';
import { latentsName } from './names.ts';
import { type Checkpoint, keptBytes } from './read.ts';

/**
 * The clean latents of a checkpoint into another store, whose own checkpoints will name them; its states are gone on with from where
 * they lie. Throws `E_CHECKPOINT_PASSED_OVER`, and the stores' coded errors.
 */
export async function copyKeptLatents(checkpoint: Checkpoint, to: Store): Promise<void> {
  for (const block of checkpoint.manifest.finished.keys()) {
    await to.put(latentsName(block), await keptBytes(checkpoint, block));
  }
}
