import { secondsOf } from '#contract/duration.ts';
import { toErrorRecord } from '#contract/error.ts';
import { checkpointField, type JobSpec } from '#contract/job-spec.ts';
import { GRACE_VARIABLE, stopMilliseconds } from '#contract/stop-time.ts';
import { clearLeft } from './checkpoint/clear.ts';
import { isPassedOver, warningOf } from './checkpoint/errors.ts';
import { isKeptAlone, type Manifest } from './checkpoint/manifest.ts';
import type { Checkpoint } from './checkpoint/read.ts';
import { removeCheckpoints } from './checkpoint/write.ts';
import { fingerprintOf } from './checkpoint-identity.ts';
import { canCut, type FilmCheckpoints, openFilmCheckpoints } from './film-checkpoints.ts';
import type { FilmWriter } from './output/film.ts';
import type { GenerateExtras, PreparedJob } from './prepare.ts';
import type { Tracker } from './report/tracker.ts';
import { clearEarlier, describeCheckpoint, findCheckpoint, notOfPlan } from './resume-film.ts';
import type { RunnerIo } from './runner-io.ts';
import { heldStore } from './store/held.ts';
import type { Store } from './store/store.ts';

/** A film that is about to be made, or gone on with. */
export interface BegunFilm {
  readonly film: FilmWriter;
  /** What an earlier run has left. */
  readonly checkpoint: Checkpoint | undefined;
  /** Blocks that it has encoded; no more than it has finished. */
  readonly encoded: number;
  readonly checkpoints: FilmCheckpoints;
  /** Whether a run has failed for damage in what an earlier one has left: that is said, and passed over from now on. */
  passOver(error: unknown): Promise<boolean>;
  /** Removes the checkpoints of a film that is done, unless they are to be kept; a failure is said. */
  clear(warn: (text: string) => void): Promise<void>;
}

/** What is to be made. */
export interface FilmToBegin {
  readonly spec: JobSpec;
  readonly job: PreparedJob;
  readonly extras: GenerateExtras;
  /** Paths of checkpoints that were found to be damaged. */
  readonly passedOver: Set<string>;
}

/** Finds out where a film goes on, and says so. `place` is the film's store, which holds it. Throws `E_CHECKPOINT_OTHER`. */
export async function beginFilm(
  film: FilmWriter,
  place: Store,
  { spec, job, extras, passedOver }: FilmToBegin,
  { tracker, resumable }: Pick<RunnerIo, 'tracker' | 'resumable'>,
): Promise<BegunFilm> {
  const store = heldStore(place, film.checkHeld);
  const { warn } = tracker;
  const of = job.plan.iterations;
  const { every, keep } = checkpointField.parse(spec.checkpoint ?? {});
  const fingerprint = fingerprintOf(spec, job);
  const { fresh = false, overwrite = false } = extras;
  const search = {
    ...{ here: fingerprint, passedOver, fresh, overwrite, warn },
    notOfPlan: (manifest: Manifest) => notOfPlan(manifest, job.plan),
  };
  const checkpoint = await findCheckpoint(store, spec, search);
  const encoded = await film.adopt(checkpoint?.manifest.segments);
  if (checkpoint !== undefined) {
    film.leaveBlocks();
    warn(describeCheckpoint(checkpoint, encoded, job.plan));
  }
  tellStart(checkpoint, tracker);
  if (!canCut(job.plan))
    warn('no checkpoints are made of a film with leftContext reuse: an interrupted one begins anew');
  const checkpoints = openFilmCheckpoints({
    ...{ store, film, plan: job.plan, fingerprint, warn },
    everySeconds: secondsOf(every),
    stopMilliseconds: stopMilliseconds(process.env[GRACE_VARIABLE]),
    from: checkpoint?.manifest,
    seen: (iteration) => resumable({ iteration, of }),
    written: tracker.checkpoint,
    failed: tracker.checkpointFailed,
  });
  resumable(checkpoints.last === undefined ? undefined : { iteration: checkpoints.last + 1, of });
  return {
    ...{ film, checkpoint, encoded, checkpoints },
    async passOver(error) {
      if (checkpoint === undefined || !isPassedOver(error)) return false;
      warn(warningOf(error));
      passedOver.add(checkpoint.path);
      resumable(undefined);
      // What was written since names the same finished blocks.
      if (isKeptAlone(checkpoint.manifest)) await removeCheckpoints(store);
      return true;
    },
    async clear(say) {
      if (keep) return;
      tracker.checkpoint(undefined);
      await clearLeft(store).catch((error: unknown) =>
        say(`the checkpoints of the finished film stay: ${toErrorRecord(error).message}`),
      );
      await clearEarlier(store, spec, say);
    },
  };
}

function tellStart(checkpoint: Checkpoint | undefined, tracker: Pick<Tracker, 'begins' | 'checkpoint'>): void {
  if (checkpoint === undefined || isKeptAlone(checkpoint.manifest)) {
    tracker.begins({ iteration: 0 });
    tracker.checkpoint(undefined);
    return;
  }
  const { location } = checkpoint.store;
  const { iteration, writtenAt: time, state } = checkpoint.manifest;
  tracker.begins({ iteration: iteration + 1, time });
  tracker.checkpoint({ iteration: iteration + 1, time, bytes: state.bytes, location });
}
