import { readFileSync } from 'node:fs';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { problemsOf } from '#contract/manifest.ts';
import { createLog } from '../report/log.ts';
import { createPusher, type Pusher } from '../report/push.ts';
import { writeTerminationMessage } from '../report/termination.ts';
import { cliError } from './errors.ts';
import { makeFilm, type Watcher } from './make-film.ts';
import { textCache } from './text-cache.ts';

/** Seconds that the last report may take once the film is done. */
const LAST_REPORT_MILLISECONDS = 5000;
/** At most this often a report leaves the pod; the operator writes status more rarely still. */
const REPORT_EVERY_MILLISECONDS = 1000;

/**
 * What runs in a pod: a frozen job spec in, a film and a result record out. Progress is pushed to the operator when the
 * environment says where it is; the result is the container's termination message, which needs neither network nor operator.
 */
export async function runCommand({ job }: { job: string }): Promise<void> {
  const log = createLog('runner');
  const pusher = pusherOf(process.env, (reason) => log.warn({ reason }, 'progress is not reaching the operator'));
  let phase = '';
  const watcher: Watcher = {
    everyMilliseconds: REPORT_EVERY_MILLISECONDS,
    show(progress) {
      pusher?.push(progress);
      if (progress.phase === phase) return;
      phase = progress.phase;
      log.info({ phase, percent: progress.percent, framesReady: progress.framesReady }, 'phase');
    },
  };
  const outcome = await makeFilm(() => readJob(job), watcher, textCache(process.env));
  if (process.env.DUALPARAL_TERMINATION_LOG) {
    writeTerminationMessage(process.env.DUALPARAL_TERMINATION_LOG, outcome.result);
  }
  await pusher?.close(LAST_REPORT_MILLISECONDS);
  if (outcome.failure !== undefined) throw outcome.failure;
  log.info({ film: outcome.result.film, elapsedSeconds: outcome.result.elapsedSeconds }, 'done');
}

function readJob(file: string): JobSpec {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw cliError('E_CLI_JOB', { file, reason: (error as Error).message }, error);
  }
  const parsed = jobSpecSchema.safeParse(value);
  if (!parsed.success) throw cliError('E_CLI_JOB', { file, reason: problemsOf(parsed.error, value).join('; ') });
  return parsed.data;
}

function pusherOf(environment: NodeJS.ProcessEnv, onOutage: (reason: string) => void): Pusher | undefined {
  const { DUALPARAL_PROGRESS_URL: url } = environment;
  const { DUALPARAL_PROGRESS_TOKEN_FILE: tokenFile, DUALPARAL_PROGRESS_CA_FILE: caFile } = environment;
  if (!url || !tokenFile || !caFile) return undefined;
  return createPusher({ url, tokenFile, caFile }, onOutage);
}
