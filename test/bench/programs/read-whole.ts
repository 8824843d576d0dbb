/** Reads a file from its beginning to its end, piece by piece: what loading a model takes at least. For benchmarks. */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const PIECE_BYTES = 1 << 22;

parentPort!.once('message', () => {
  const file = openSync(workerData as string, 'r');
  const piece = new Uint8Array(PIECE_BYTES);
  while (readSync(file, piece) > 0);
  closeSync(file);
  parentPort!.postMessage('read');
});
parentPort!.postMessage('started');
