/** Entry of the thread that gives devices their arenas; `arenas.ts` starts it. */

import { openArena } from '../ort/arena.ts';
import type { Device } from '../ort/device.ts';
import { inThread } from './in-thread.ts';

inThread<readonly Device[], never, number>(async ({ task: devices, tell }) => {
  for (const device of devices) {
    await openArena(device);
    tell(device.index);
  }
});
