/** Loaded before a program, with `node --import`: leaves the most memory that its process ever had, in bytes, in the file `PEAK_FILE`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const { PEAK_FILE: file } = process.env;
if (isMainThread && file !== undefined) {
  process.on('exit', () => {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1];
    writeFileSync(file, String(Number(peak) * 1024));
  });
}
