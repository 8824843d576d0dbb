/** Entry of a stage's thread that tells every copy of the runner's own to the log COPY_LOG. */
import { openCudaCopies } from '../../runner/ort/cuda-copies.ts';
import { runStageThread } from '../../runner/pipeline/stage-thread.ts';
import { logCopy } from './copy-log.ts';
import { askPlaces, countedCopies } from './counted-copies.ts';

const log = process.env.COPY_LOG!;

runStageThread(undefined, (device) => {
  if (device.kind === 'cpu') return null;
  return countedCopies(openCudaCopies(device), device.index, askPlaces(), (copy) => logCopy(log, copy));
});
