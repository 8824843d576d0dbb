/** A thread that gives its first device an arena and never comes back from the second, for tests. */
import type { Device } from '../../../runner/ort/device.ts';
import { inThread } from '../../../runner/thread/in-thread.ts';

inThread<readonly Device[], never, number>(({ task: devices, tell }) => {
  tell(devices[0]!.index);
  if (devices.length > 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
