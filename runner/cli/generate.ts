import { relative } from 'node:path';
import type { Film, Result } from '#contract/result.ts';
import { describeQuality } from './describe-quality.ts';
import { createLiveView, type LiveView } from './live.ts';
import { type LocalOptions, localJob } from './local-job.ts';
import { makeFilm } from './make-film.ts';
import { printJson, printLines, printNotes } from './print.ts';
import { reportFailure } from './report-failure.ts';
import { textCache } from './text-cache.ts';

/** Options of `dualparal generate`. */
export interface GenerateOptions extends LocalOptions {
  readonly noise?: string;
  readonly latents?: string;
  readonly textCache?: string;
  readonly overwrite?: boolean;
  readonly fresh?: boolean;
  readonly json?: boolean;
}

const REDRAW_EVERY_MILLISECONDS = 250;
const LINE_EVERY_MILLISECONDS = 1000;

/** Makes the film of a manifest on this machine and says where it is. */
export async function generateCommand(options: GenerateOptions): Promise<void> {
  const json = options.json === true;
  let view: LiveView | undefined;
  const everyMilliseconds = !json && process.stderr.isTTY ? REDRAW_EVERY_MILLISECONDS : LINE_EVERY_MILLISECONDS;
  const outcome = await makeFilm(
    () => {
      const { spec, notes } = localJob(options);
      printNotes(notes.map((note) => `note: ${note}`));
      view = createLiveView({ title: `${spec.name}: ${spec.prompt}`, steps: spec.sampling.steps, json });
      return spec;
    },
    { everyMilliseconds, show: (progress, lanes) => view?.show(progress, lanes) },
    {
      ...(options.noise === undefined ? {} : { noiseFile: options.noise }),
      ...(options.latents === undefined ? {} : { latentsFile: options.latents }),
      ...(options.device === undefined ? {} : { device: options.device }),
      ...(options.ignoreMemory === true ? { ignoreMemory: true } : {}),
      ...(options.overwrite === true ? { overwrite: true } : {}),
      ...(options.fresh === true ? { fresh: true } : {}),
      ...textCache(process.env, options.textCache),
    },
  );
  view?.done();
  if (json) printJson(outcome.result);
  else printLines(describeResult(outcome.result));
  const { partial } = outcome.result;
  if (partial !== undefined) printNotes([describePartial(partial)]);
  if (outcome.failure !== undefined) reportFailure(outcome.failure);
}

function describePartial({ location, frames, seconds }: Film): string {
  return `what was finished is a film: ${relative(process.cwd(), location)} (${frames} frames, ${seconds.toFixed(2)} s)`;
}

function describeResult({ film, quality, elapsedSeconds, warnings }: Result): readonly string[] {
  const lines = (warnings ?? []).map((warning) => `warning: ${warning}`);
  if (film === undefined) return lines;
  const measured = quality === undefined ? [] : describeQuality(quality);
  return [...lines, '', ...describeFilm(film), ...measured, `  made in ${elapsedSeconds.toFixed(1)} s`];
}

function describePrecision({ precision }: Film): readonly string[] {
  if (precision === undefined) return [];
  return [`  computed in ${precision.sampling}, decoded in ${precision.decoding}`];
}

/** The film as a person wants to know it: where it is, and what a player will find in it. */
function describeFilm(film: Film): readonly string[] {
  return [
    `film: ${relative(process.cwd(), film.location)}`,
    `  ${film.codec}, ${film.width}×${film.height}, ${film.fps} frames/s, ${film.frames} frames, ${film.seconds.toFixed(2)} s`,
    `  ${film.bytes} bytes, sha256 ${film.sha256}`,
    ...describePrecision(film),
  ];
}
