import { toErrorRecord } from '#contract/error.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import type { Progress, RunPhase } from '#contract/progress.ts';
import type { Film, Result } from '#contract/result.ts';
import { CONTRACT_VERSION } from '#contract/version.ts';
import { generate } from '../generate.ts';
import type { GenerateExtras } from '../prepare.ts';
import type { Lane } from '../report/tracker.ts';
import { createTracker } from '../report/tracker.ts';
import type { GoingOn, LaneSource, Made } from '../runner-io.ts';
import { describeGoingOn, interruption } from './ending.ts';
import { tellParent } from './parent-link.ts';
import { type Stop, stopOnSignals } from './signals.ts';

/** Who watches a run. */
export interface Watcher {
  readonly everyMilliseconds: number;
  show(progress: Progress, lanes: readonly Lane[]): void;
}

/** A run's end: the record, and the error to fail with if there is one. */
export interface Outcome {
  readonly result: Result;
  readonly failure: unknown;
}

/** Phases in which iterations have begun: a run that fails before them stands at none, also where it goes on from one. */
const AT_ITERATIONS: ReadonlySet<string> = new Set<RunPhase>(['Denoising', 'Finishing', 'Done']);

/** Shown while a run stops; nothing that its result needs to say. */
const STOPPING = 'stopping: a second signal ends it at once';

/**
 * Runs one job from spec to result: reads the spec (so that a bad one is a result too), stops cleanly on signals, shows
 * progress on a fixed beat. Once the film is published the run has succeeded, whatever comes after. Never throws.
 */
export async function makeFilm(spec: () => JobSpec, watcher: Watcher, extras: GenerateExtras = {}): Promise<Outcome> {
  const started = Date.now();
  const tracker = createTracker(Date.now);
  const lanes: LaneSource = { read: () => [] };
  let told = '';
  const show = () => {
    const progress = tracker.record();
    const { framesReady, framesTotal } = progress;
    if (told !== `${framesReady} ${framesTotal}`) tellParent({ kind: 'progress', framesReady, framesTotal });
    told = `${framesReady} ${framesTotal}`;
    watcher.show(progress, lanes.read());
  };
  let stop: Stop | undefined;
  let beat: NodeJS.Timeout | undefined;
  let ended: Pick<Outcome, 'failure'> & Pick<Result, 'outcome'> = { outcome: 'succeeded', failure: undefined };
  let made: Partial<Made> = {};
  let partial: Film | undefined;
  const kept = (film: Film) => {
    partial = film;
  };
  let goingOn: GoingOn | undefined;
  const resumable = (from: GoingOn | undefined) => {
    goingOn = from;
    tellParent({ kind: 'resumable', from: from ?? null });
  };
  const published = (film: Film) => {
    made = { film };
    resumable(undefined);
  };
  try {
    const job = spec();
    stop = stopOnSignals(() => tracker.warn(STOPPING));
    beat = setInterval(show, watcher.everyMilliseconds);
    made = await generate(job, { tracker, changed: show, lanes, published, kept, resumable }, extras, stop.signal);
  } catch (error) {
    const signal = stop?.received();
    if (made.film === undefined) {
      ended =
        signal === undefined
          ? { outcome: 'failed', failure: error }
          : { outcome: 'stopped', failure: interruption(signal, tracker.record(), goingOn) };
    } else if (signal === undefined) tracker.warn(`after the film was done: ${toErrorRecord(error).message}`);
  }
  if (ended.outcome === 'failed' && goingOn !== undefined) tracker.warn(describeGoingOn(goingOn));
  if (ended.outcome === 'succeeded') tracker.phase('Done');
  clearInterval(beat);
  show();
  const last = tracker.record();
  const warnings = tracker.warnings().filter((warning) => warning !== STOPPING);
  return {
    failure: ended.failure,
    result: {
      contractVersion: CONTRACT_VERSION,
      outcome: ended.outcome,
      ...made,
      ...(partial === undefined ? {} : { partial }),
      ...(ended.failure === undefined ? {} : { error: toErrorRecord(ended.failure) }),
      ...workOf(last),
      framesReady: last.framesReady,
      elapsedSeconds: (Date.now() - started) / 1000,
      ...standOf(last),
      ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
    },
  };
}

function workOf({ plan }: Progress): Pick<Result, 'work'> {
  if (plan === undefined) return {};
  const { iterations, blocks, blockSteps } = plan;
  return { work: { iterations, blocks, blockSteps } };
}

/** How far it had come, for whoever goes on. */
function standOf({ phase, plan, iteration, resumedFrom, checkpoint }: Progress): Partial<Result> {
  return {
    ...(plan !== undefined && AT_ITERATIONS.has(phase) ? { iteration } : {}),
    ...(resumedFrom === undefined ? {} : { resumedFrom }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}
