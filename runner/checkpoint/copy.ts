import type { Store } from '../store/store.ts';
import { manifestBytes } from './manifest.ts';
import { latentsName, manifestName, stateName } from './names.ts';
import type { Checkpoint } from './read.ts';

/** The same checkpoint in another store, its manifest last. Throws the stores' coded errors. */
export async function copyCheckpoint({ store, manifest, states }: Checkpoint, to: Store): Promise<Checkpoint> {
  const names = [...manifest.finished.keys()].map(latentsName);
  for (const name of [...names, stateName(manifest.iteration)]) await to.put(name, await store.get(name));
  await to.put(manifestName(manifest.iteration), manifestBytes(manifest));
  return { store: to, manifest, states };
}
