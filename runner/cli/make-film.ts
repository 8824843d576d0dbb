import { toErrorRecord } from '#contract/error.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import type { Progress } from '#contract/progress.ts';
import type { Result } from '#contract/result.ts';
import { CONTRACT_VERSION } from '#contract/version.ts';
import { generate, type LaneSource, type Made } from '../generate.ts';
import type { GenerateExtras } from '../prepare.ts';
import type { Lane } from '../report/tracker.ts';
import { createTracker } from '../report/tracker.ts';
import { cliError } from './errors.ts';
import { stopOnSignals } from './signals.ts';

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

/**
 * Runs one job from spec to result: reads the spec (so that a bad one is a result too), stops cleanly on signals, shows
 * progress on a fixed beat. Never throws.
 */
export async function makeFilm(spec: () => JobSpec, watcher: Watcher, extras: GenerateExtras = {}): Promise<Outcome> {
  const started = Date.now();
  const tracker = createTracker(Date.now);
  const lanes: LaneSource = { read: () => [] };
  const show = () => watcher.show(tracker.record(), lanes.read());
  const stop = stopOnSignals(() => tracker.warn('stopping: a second signal ends it at once'));
  const beat = setInterval(show, watcher.everyMilliseconds);
  let failure: unknown;
  let made: Made | undefined;
  try {
    made = await generate(spec(), { tracker, changed: show, lanes }, extras, stop.signal);
    tracker.phase('Done');
  } catch (error) {
    failure = stop.received() === undefined ? error : interruption(stop.received(), tracker.record());
  } finally {
    clearInterval(beat);
    stop.dispose();
  }
  show();
  const { framesReady } = tracker.record();
  const warnings = tracker.warnings();
  return {
    failure,
    result: {
      contractVersion: CONTRACT_VERSION,
      outcome: made !== undefined ? 'succeeded' : stop.received() === undefined ? 'failed' : 'stopped',
      ...made,
      ...(failure === undefined ? {} : { error: toErrorRecord(failure) }),
      framesReady,
      elapsedSeconds: (Date.now() - started) / 1000,
      ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
    },
  };
}

function interruption(signal: NodeJS.Signals | undefined, progress: Progress): unknown {
  const { framesReady: frames, framesTotal: total } = progress;
  const code = signal === 'SIGTERM' ? 'E_STOPPED' : 'E_INTERRUPTED';
  return cliError(code, { signal: signal ?? 'a signal', frames, total });
}
