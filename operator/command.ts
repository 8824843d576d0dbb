import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import { EXITS } from '#contract/exit.ts';
import { ApiError, kubeError } from './kube/failure.ts';
import { runOperator } from './operator.ts';
import { readSettings, settingsHelp } from './settings.ts';
import { createLog } from './telemetry/log.ts';

/** The operator's command line: reads settings, runs until `stop`, gives the exit code. Expected failures are one line on stderr. */
export async function command(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stop: AbortSignal,
): Promise<number> {
  try {
    const settings = readSettings(args, env);
    if (settings === undefined) {
      process.stdout.write(settingsHelp());
      return EXITS.success.code;
    }
    const log = createLog(settings.logLevel);
    stop.addEventListener('abort', () => log.info({ detail: String(stop.reason) }, 'stopping'));
    const end = await runOperator(settings, log, stop);
    log.info({ detail: end }, 'ended');
    return end === 'stopped' ? EXITS.success.code : EXITS.internal.code;
  } catch (thrown) {
    const error = thrown instanceof ApiError ? kubeError('E_KUBE_CALL', { detail: thrown.message }, thrown) : thrown;
    const { code, message } = toErrorRecord(error);
    process.stderr.write(`${code}: ${message}\n`);
    return exitCodeOf(error);
  }
}
