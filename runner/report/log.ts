import { type Logger, pino } from 'pino';

/**
 * The runner's log: JSON lines with fixed keys on stderr, so that stdout stays free for `--json` and the result. Lines that
 * nobody reads any more are lost, and no more than that.
 */
export function createLog(name: string): Logger {
  const destination = pino.destination({ dest: 2, sync: true });
  destination.on('error', () => undefined);
  return pino(
    { base: { name }, timestamp: pino.stdTimeFunctions.isoTime, level: process.env.DUALPARAL_LOG_LEVEL ?? 'info' },
    destination,
  );
}
