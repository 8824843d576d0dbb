/** Entry of a stage's thread; `driver.ts` starts it with the stage's task. */
import { runStageThread } from './stage-thread.ts';

runStageThread();
