import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import { isMeantOn } from '../switches.ts';
import { printNotes } from './print.ts';

/** A verb's last duty when it failed: one line that names the code, and the exit code. */
export function reportFailure(error: unknown): void {
  const record = toErrorRecord(error);
  printNotes([`${record.code}: ${record.message}`]);
  if (record.exit === 'internal' && error instanceof Error && isMeantOn(process.env, 'DUALPARAL_DEBUG')) {
    printNotes((error.stack ?? '').split('\n'));
  }
  process.exitCode = exitCodeOf(error);
}
