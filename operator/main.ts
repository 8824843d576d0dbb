/** The operator's entry: settings, signals, exit code. Everything else is in `operator.ts`. */
import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import { EXITS } from '#contract/exit.ts';
import { runOperator } from './operator.ts';
import { readSettings, settingsHelp } from './settings.ts';
import { createLog } from './telemetry/log.ts';

async function main(): Promise<number> {
  const settings = readSettings(process.argv.slice(2), process.env);
  if (settings === undefined) {
    process.stdout.write(settingsHelp());
    return EXITS.success.code;
  }
  const log = createLog(settings.logLevel);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ detail: signal }, 'stopping');
      stop.abort();
    });
  }
  const end = await runOperator(settings, log, stop.signal);
  log.info({ detail: end }, 'ended');
  return end === 'stopped' ? EXITS.success.code : EXITS.internal.code;
}

try {
  process.exit(await main());
} catch (error) {
  const { code, message } = toErrorRecord(error);
  process.stderr.write(`${code}: ${message}\n`);
  process.exit(exitCodeOf(error));
}
