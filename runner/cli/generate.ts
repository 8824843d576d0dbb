import { relative } from 'node:path';
import type { Film, Result } from '#contract/result.ts';
import { describeQuality } from './describe-quality.ts';
import { createLiveView } from './live.ts';
import { type LocalOptions, localJob } from './local-job.ts';
import { makeFilm } from './make-film.ts';
import { textCache } from './text-cache.ts';

/** Options of `dualparal generate`. */
export interface GenerateOptions extends LocalOptions {
  readonly noise?: string;
  readonly latents?: string;
  readonly textCache?: string;
  readonly json?: boolean;
}

const REDRAW_EVERY_MILLISECONDS = 250;
const LINE_EVERY_MILLISECONDS = 1000;

/** Makes the film of a manifest on this machine and says where it is. */
export async function generateCommand(options: GenerateOptions): Promise<void> {
  const { spec, notes } = localJob(options);
  const json = options.json === true;
  for (const note of notes) console.error(`note: ${note}`);
  const view = createLiveView({ title: `${spec.name}: ${spec.prompt}`, steps: spec.sampling.steps, json });
  const everyMilliseconds = !json && process.stderr.isTTY ? REDRAW_EVERY_MILLISECONDS : LINE_EVERY_MILLISECONDS;
  const outcome = await makeFilm(
    () => spec,
    { everyMilliseconds, show: view.show },
    {
      ...(options.noise === undefined ? {} : { noiseFile: options.noise }),
      ...(options.latents === undefined ? {} : { latentsFile: options.latents }),
      ...textCache(process.env, options.textCache),
    },
  );
  view.done();
  if (outcome.failure !== undefined) throw outcome.failure;
  if (json) console.log(JSON.stringify(outcome.result));
  else console.log(describeResult(outcome.result));
}

function describeResult({ film, quality, elapsedSeconds, warnings }: Result): string {
  if (film === undefined) return '';
  const lines = [...(warnings ?? []).map((warning) => `warning: ${warning}`), '', ...describeFilm(film)];
  const measured = quality === undefined ? [] : describeQuality(quality);
  return [...lines, ...measured, `  made in ${elapsedSeconds.toFixed(1)} s`].join('\n');
}

/** The film as a person wants to know it: where it is, and what a player will find in it. */
function describeFilm(film: Film): readonly string[] {
  return [
    `film: ${relative(process.cwd(), film.location)}`,
    `  ${film.codec}, ${film.width}×${film.height}, ${film.fps} frames/s, ${film.frames} frames, ${film.seconds.toFixed(2)} s`,
    `  ${film.bytes} bytes, sha256 ${film.sha256}`,
  ];
}
