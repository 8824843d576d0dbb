import { type Logger, pino } from 'pino';

/** The runner's log: JSON lines with fixed keys on stderr, so that stdout stays free for `--json` and the result. */
export function createLog(name: string): Logger {
  return pino(
    { base: { name }, timestamp: pino.stdTimeFunctions.isoTime, level: process.env.DUALPARAL_LOG_LEVEL ?? 'info' },
    pino.destination({ dest: 2, sync: true }),
  );
}
