/** Entry of a stage's thread that tells every copy of the runner's own to the log COPY_LOG. */
import { workerData } from 'node:worker_threads';
import { openCudaCopies } from '../../runner/ort/cuda-copies.ts';
import type { StageTask } from '../../runner/pipeline/stage-task.ts';
import { runStageThread } from '../../runner/pipeline/stage-thread.ts';
import { logCopy } from './copy-log.ts';
import { askPlaces, countedCopies } from './counted-copies.ts';

const log = process.env.COPY_LOG!;
/** No stage is before the first one: what it fetches are samples. */
const fetched = (workerData as StageTask).stage === 0 ? 'samples' : 'hop';

runStageThread(undefined, (device) => {
  if (device.kind === 'cpu') return null;
  return countedCopies(openCudaCopies(device), device.index, askPlaces(), (copy) => logCopy(log, copy), fetched);
});
