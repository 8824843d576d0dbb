import { closeSync, existsSync, openSync, rmSync } from 'node:fs';

/**
 * Throws a plain error where the file could not be written: who measures for hours learns it before. What is there stays as it is, and
 * nothing is left where nothing was.
 */
export function checkWritable(file: string): void {
  const wasThere = existsSync(file);
  closeSync(openSync(file, 'a'));
  if (!wasThere) rmSync(file);
}
