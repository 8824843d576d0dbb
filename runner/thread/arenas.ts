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

const OPERATION = 'making room in its memory';
const WORKER = new URL('./arena-worker.ts', import.meta.url);

/**
 * Gives each CUDA device a new arena for what is loaded on it from now on (`ort/arena.ts`): whoever is about to load there calls it once,
 * with all its devices. For the main thread, which does nothing on a device itself and so always hears of a stop: another thread does,
 * is watched, and ends. Of a device that is there several times the first sets the limit. Throws `E_DEVICE_…`, `E_DEVICE_HUNG` with the
 * name of a device that never answers, and the signal's reason on an abort.
 */
export async function openArenas(devices: readonly Device[], options: ArenaOptions = {}): Promise<void> {
  options.signal?.throwIfAborted();
  const wanted = new Map<number, Device>();
  for (const device of devices) {
    if (device.kind === 'cuda' && !wanted.has(device.index)) wanted.set(device.index, device);
  }
  if (wanted.size > 0) await runThread([...wanted.values()], options);
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
      onTold() {
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
