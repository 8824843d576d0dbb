/** A thread that never comes back from loading, for tests. */
import { inThread } from '../../../runner/thread/in-thread.ts';

inThread(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
