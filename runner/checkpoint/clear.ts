import { blocksFolder, clearBlocks, RESUMABLE_BLOCKS } from '../output/stored-blocks.ts';
import { CHECKPOINT_FOLDER } from '../output/survey.ts';
import type { Store } from '../store/store.ts';
import { REALM_FILE } from './names.ts';
import { removeCheckpoints } from './write.ts';

/**
 * Removes all that another run has left to go on from: its checkpoints, its encoded blocks, and what of both it had not finished when it was
 * killed. Whose they are goes last, so that an interrupted removal is taken up again. The film stays. Throws the store's coded errors.
 */
export async function clearLeft(store: Store): Promise<void> {
  await removeCheckpoints(store);
  await clearBlocks(store, RESUMABLE_BLOCKS);
  for (const folder of [CHECKPOINT_FOLDER, blocksFolder(RESUMABLE_BLOCKS)])
    await store.removeUnfinished(undefined, folder);
  if ((await store.look(REALM_FILE)) !== 'nothing') await store.remove(REALM_FILE);
}
