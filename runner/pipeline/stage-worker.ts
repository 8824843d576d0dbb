/** Entry of a stage's thread; `driver.ts` starts it with the stage's task. */
import { parentPort, workerData } from 'node:worker_threads';
import type { StageTask } from './stage-task.ts';
import { runStageThread } from './stage-thread.ts';

if (parentPort !== null) runStageThread(workerData as StageTask, parentPort);
