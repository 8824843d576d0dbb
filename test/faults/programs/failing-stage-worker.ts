/** A stage's thread that goes wrong on purpose, for tests: the real one but for one item, or the loading, of one stage. */
import { runStageThread } from '../../../runner/pipeline/stage-thread.ts';
import { FAULT_VARIABLE, type Fault } from './fault.ts';

const WAYS: Readonly<Record<Fault['how'], () => void>> = {
  throw: () => {
    throw new Error('made to fail\nby a test');
  },
  exit: () => process.exit(3),
  hang: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
};

const { stage, item, how } = JSON.parse(process.env[FAULT_VARIABLE] ?? '{}') as Fault;
runStageThread(
  (task, index) => {
    if (task.stage === stage && index === item) WAYS[how]();
  },
  // Asked for while a stage loads; a stage's device has its number.
  ({ index }) => {
    if (index === stage && item === 'loading') WAYS[how]();
    return null;
  },
);
