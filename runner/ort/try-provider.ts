/**
 * A process of its own, started by `cuda-provider.ts`: loads what computing on CUDA needs, as a run would, and says what it is at. A damaged
 * library ends it on the spot, instead of the run.
 */
import { dirname, join } from 'node:path';
import { ortApi } from './api.ts';
import { CUDA_LIBRARIES, PROVIDER_FILES } from './cuda-libraries.ts';
import { libraryPath } from './library.ts';
import { loadProvider } from './load-provider.ts';
import { openNative } from './native-library.ts';
import { endWithParent, tell } from './own-process.ts';
import type { TrialLine } from './provider-trial.ts';

endWithParent();
const say = (line: TrialLine) => tell(line);

/** A runtime that cannot be opened says so by itself, to whoever opens it. */
function opensRuntime(): boolean {
  try {
    ortApi();
    return true;
  } catch {
    return false;
  }
}

let isWhole = true;
for (const name of CUDA_LIBRARIES) {
  say({ at: name });
  const library = openNative(name);
  if (!('problem' in library)) continue;
  isWhole = false;
  say({ problem: library.problem });
}
if (isWhole && opensRuntime()) {
  say({ at: join(dirname(libraryPath()), PROVIDER_FILES[1]) });
  const problem = loadProvider('cuda');
  if (problem !== undefined) say({ problem });
}
