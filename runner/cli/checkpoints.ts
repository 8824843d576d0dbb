import { checkpointError } from '../checkpoint/errors.ts';
import type { FoundCheckpoint } from '../checkpoint/read.ts';
import { verifyCheckpoints } from '../checkpoint/read.ts';
import { openStore } from '../store/open.ts';
import { printJson, printLines } from './print.ts';

/** A checkpoint for people and programs. */
interface CheckpointRow {
  readonly file: string;
  readonly usable: boolean;
  readonly problem?: string;
  readonly writtenAt?: string;
  /** Iterations that are done, of all. */
  readonly iterations?: number;
  readonly of?: number;
  readonly blocksFinished?: number;
  readonly blocksInFlight?: number;
  readonly blocksEncoded?: number;
  readonly bytes?: number;
}

/**
 * Shows the checkpoints in a film's folder, newest first, and reads every byte of them as going on would. Throws `E_CHECKPOINT_NONE`,
 * and `E_CHECKPOINT_DAMAGED` once they are shown, where none can be used.
 */
export async function checkpointsCommand(folder: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  const store = openStore(folder);
  const rows = (await verifyCheckpoints(store)).map(rowOf);
  if (rows.length === 0) throw checkpointError('E_CHECKPOINT_NONE', { path: store.location });
  if (json) printJson({ folder: store.location, checkpoints: rows });
  else printLines(rows.map(describe));
  if (rows.some(({ usable }) => usable)) return;
  const { file, problem = '' } = rows[0]!;
  throw checkpointError('E_CHECKPOINT_DAMAGED', { path: `${store.location}/${file}`, reason: problem });
}

function rowOf({ name, manifest, problem }: FoundCheckpoint): CheckpointRow {
  const base = { file: name, usable: problem === undefined, ...(problem === undefined ? {} : { problem }) };
  if (manifest === undefined) return base;
  const { writtenAt, iteration, iterations, finished, state, segments } = manifest;
  return {
    ...base,
    ...{ writtenAt, iterations: iteration + 1, of: iterations },
    ...{ blocksFinished: finished.length, blocksInFlight: state.blocks.length, blocksEncoded: segments.blocks.length },
    bytes: finished.reduce((sum, { bytes }) => sum + bytes, state.bytes),
  };
}

function describe(row: CheckpointRow): string {
  const verdict = row.usable ? 'as it was written' : `cannot be used: ${row.problem}`;
  if (row.of === undefined) return `${row.file}: ${verdict}`;
  const blocks = `${row.blocksFinished} blocks finished (${row.blocksEncoded} encoded), ${row.blocksInFlight} in flight`;
  return `${row.file}: after iteration ${row.iterations} of ${row.of}, ${blocks}, ${row.bytes} bytes, ${row.writtenAt}: ${verdict}`;
}
