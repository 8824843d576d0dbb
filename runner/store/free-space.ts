import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Bytes that an ordinary user can still write to the file system of `folder`, or of the nearest folder above it that exists;
 * undefined where the file system does not say (some network volumes give zeros).
 */
export async function freeBytes(folder: string): Promise<number | undefined> {
  for (let place = folder; ; place = dirname(place)) {
    const found = await statfs(place).catch(() => undefined);
    if (found !== undefined) return found.blocks > 0 ? found.bavail * found.bsize : undefined;
    if (dirname(place) === place) return undefined;
  }
}
