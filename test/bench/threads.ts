import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';

/**
 * What threads that work together report: each says that it is ready, `begin` lets all of them go, and each says what it has measured. Where
 * one fails, those that wait for it are ended too.
 */
export async function reportsOf<Report>(threads: readonly Worker[], begin: () => void): Promise<readonly Report[]> {
  try {
    await Promise.all(threads.map((thread) => once(thread, 'message')));
    const reports = threads.map(async (thread) => (await once(thread, 'message'))[0] as Report);
    begin();
    return await Promise.all(reports);
  } catch (error) {
    for (const thread of threads) thread.on('error', () => undefined);
    await Promise.all(threads.map((thread) => thread.terminate()));
    throw error;
  }
}
