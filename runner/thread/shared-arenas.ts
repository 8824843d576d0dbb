import type { Device } from '../ort/device.ts';
import { deviceError } from '../ort/errors.ts';
import { LOOK_EVERY_MILLISECONDS, loadingPatience, type PatienceSettings } from './patience.ts';
import { startThread } from './thread.ts';

/** How the thread is watched and stopped. */
export interface ArenaOptions {
  readonly patience?: PatienceSettings | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Thread entry; tests give one that hangs. */
  readonly worker?: URL;
}

const OPERATION = 'sharing its memory';
const WORKER = new URL('./arena-worker.ts', import.meta.url);

/** Numbers of the CUDA devices that have theirs. */
const shared = new Set<number>();
let turn: Promise<void> = Promise.resolve();

/**
 * Gives each CUDA device its arena (`ort/shared-arena.ts`), unless it has one: before anything is loaded on it. For the main thread
 * alone, which does nothing on a device itself and so always hears of a stop: another thread does, is watched, and ends. The first
 * device of a number sets the limit. Throws `E_DEVICE_…`, `E_DEVICE_HUNG` with the name of a device that never answers, and the
 * signal's reason on an abort.
 */
export function shareArenas(devices: readonly Device[], options: ArenaOptions = {}): Promise<void> {
  // One at a time: of two that give a device its arena, the second would take the first one's place.
  const mine = turn.then(() => shareMissing(devices, options));
  turn = mine.catch(() => undefined);
  return mine;
}

async function shareMissing(devices: readonly Device[], options: ArenaOptions): Promise<void> {
  options.signal?.throwIfAborted();
  const missing = new Map<number, Device>();
  for (const device of devices) {
    if (device.kind === 'cpu' || shared.has(device.index) || missing.has(device.index)) continue;
    missing.set(device.index, device);
  }
  if (missing.size > 0) await runThread([...missing.values()], options);
}

async function runThread(
  devices: readonly Device[],
  { patience: settings, signal, worker = WORKER }: ArenaOptions,
): Promise<void> {
  let done = 0;
  let patience = loadingPatience(settings);
  /** The device that it is at; one that has told of the last may hang over its end. */
  const name = () => devices[Math.min(done, devices.length - 1)]!.name;
  const hung = Promise.withResolvers<never>();
  const thread = startThread<never, number>(
    {
      entry: worker,
      name: 'arenas',
      task: devices,
      onTold(index) {
        shared.add(index);
        done += 1;
        patience = loadingPatience(settings);
      },
      died: (code) =>
        deviceError('E_DEVICE_RUNTIME', {
          device: name(),
          operation: OPERATION,
          detail: `the thread ended with exit code ${code} and without a reason`,
        }),
    },
    signal,
  );
  const watch = setInterval(() => {
    const stuck = patience.look(0, true, performance.now());
    if (stuck === undefined) return;
    const values = { device: name(), seconds: Math.round(stuck / 1000), operation: OPERATION };
    hung.reject(deviceError('E_DEVICE_HUNG', values));
  }, LOOK_EVERY_MILLISECONDS);
  try {
    await Promise.race([thread.ended, thread.failed, hung.promise]);
  } catch (error) {
    await thread.stop();
    throw error;
  } finally {
    clearInterval(watch);
  }
}
