import { attemptExitCodeOf } from '#contract/error.ts';
import { EXITS } from '#contract/exit.ts';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { listed, problemsOf } from '#contract/problems.ts';
import type { Result } from '#contract/result.ts';
import { jobOfPod } from '../pod-folder.ts';
import { createLog } from '../report/log.ts';
import type { PushTarget } from '../report/post.ts';
import { createPusher, type Pusher } from '../report/push.ts';
import { writeTerminationMessage } from '../report/termination.ts';
import { decodeUtf8, readRegularFile } from '../store/regular-file.ts';
import { clearBehind } from './clear-behind.ts';
import { cliError } from './errors.ts';
import { makeFilm, type Watcher } from './make-film.ts';
import { tellParent } from './parent-link.ts';
import { reportFailure } from './report-failure.ts';
import { stopSignal } from './signals.ts';
import { textCache } from './text-cache.ts';

/** Seconds that the last report may take once the film is done. */
const LAST_REPORT_MILLISECONDS = 5000;
/** No ConfigMap is larger. */
const JOB_LIMIT_BYTES = 2 ** 21;
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
  let warned = 0;
  const watcher: Watcher = {
    everyMilliseconds: REPORT_EVERY_MILLISECONDS,
    show(progress) {
      pusher?.push(progress);
      for (const warning of progress.warnings?.slice(warned) ?? []) log.warn(warning);
      warned = progress.warnings?.length ?? 0;
      if (progress.phase === phase) return;
      phase = progress.phase;
      log.info({ phase, percent: progress.percent, framesReady: progress.framesReady }, 'phase');
    },
  };
  const behind = clearBehind(targetOf(process.env), { warn: (reason) => log.warn({ reason }, 'not cleared') });
  const spec = () => {
    const own = jobOfPod(readJob(job), process.env.DUALPARAL_POD_UID);
    behind.begin(own.output.folder);
    return own;
  };
  const outcome = await makeFilm(spec, watcher, { ...textCache(process.env), realm: behind.realm });
  const exitCode = outcome.failure === undefined ? EXITS.success.code : attemptExitCodeOf(outcome.failure);
  leaveResult(process.env.DUALPARAL_TERMINATION_LOG, outcome.result, (reason) =>
    log.warn({ reason }, 'no result record'),
  );
  tellParent({ kind: 'recorded', exitCode });
  await behind.end(stopSignal());
  await pusher?.close(LAST_REPORT_MILLISECONDS, stopSignal());
  if (outcome.failure !== undefined) {
    reportFailure(outcome.failure);
    process.exitCode = exitCode;
  } else log.info({ film: outcome.result.film, elapsedSeconds: outcome.result.elapsedSeconds }, 'done');
}

/** A film is a film without its record, too: where the record cannot be written, this is said and no more. */
function leaveResult(file: string | undefined, result: Result, onFailure: (reason: string) => void): void {
  if (!file) return;
  try {
    writeTerminationMessage(file, result);
  } catch (error) {
    onFailure((error as Error).message);
  }
}

function readJob(file: string): JobSpec {
  let value: unknown;
  try {
    value = JSON.parse(readText(file));
  } catch (error) {
    throw cliError('E_CLI_JOB', { file, reason: (error as Error).message }, error);
  }
  const parsed = jobSpecSchema.safeParse(value);
  if (!parsed.success)
    throw cliError('E_CLI_JOB', { file, reason: listed(problemsOf(parsed.error, value, jobSpecSchema)) });
  return parsed.data;
}

/** The file's text; throws an error whose message is the reason why it has none. */
function readText(file: string): string {
  const read = readRegularFile(file, JOB_LIMIT_BYTES);
  if ('fault' in read) throw new Error(read.fault.reason);
  const decoded = decodeUtf8(read.bytes);
  if ('problem' in decoded) throw new Error(decoded.problem);
  return decoded.text;
}

/** Where the operator listens, if the environment says so. */
function targetOf(environment: NodeJS.ProcessEnv): PushTarget | undefined {
  const { DUALPARAL_PROGRESS_URL: url } = environment;
  const { DUALPARAL_PROGRESS_TOKEN_FILE: tokenFile, DUALPARAL_PROGRESS_CA_FILE: caFile } = environment;
  return url && tokenFile && caFile ? { url, tokenFile, caFile } : undefined;
}

function pusherOf(environment: NodeJS.ProcessEnv, onOutage: (reason: string) => void): Pusher | undefined {
  const target = targetOf(environment);
  if (target === undefined) return undefined;
  try {
    return createPusher(target, onOutage);
  } catch (error) {
    onOutage((error as Error).message);
    return undefined;
  }
}
