/** Entry of the thread that gives devices their arenas; `shared-arenas.ts` starts it. */
import type { Device } from '../ort/device.ts';
import { shareArena } from '../ort/shared-arena.ts';
import { inThread } from './in-thread.ts';

inThread<readonly Device[], never, number>(async ({ task: devices, tell }) => {
  for (const device of devices) {
    await shareArena(device);
    tell(device.index);
  }
});
