import { join } from 'node:path';
import { CodedError } from '#contract/error.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import type { Plan } from './plan/plan.ts';
import { type FilmMeasure, measureFilm } from './quality/film-quality.ts';
import { type JudgedPrompt, openPromptJudge, readPrompt } from './quality/tiny-world/judge-prompt.ts';
import { nameIsTaken } from './store/regular-file.ts';
import { readJsonFile } from './weights/model-file.ts';

/** The file of a model folder that says what a small model knows. */
const WORLD_FILE = 'world.json';

/**
 * The measures of a job's film. Its prompt is judged where the model brings its world and the prompt is in the world's words;
 * a world file that cannot be used is a warning.
 */
export function judgeFilm(
  { prompt, size }: JobSpec,
  { frames, blockLatents }: Plan,
  modelFolder: string,
  warn: (text: string) => void,
): FilmMeasure {
  const film = { ...size, frames, blockLatents };
  const judged = judgedPrompt(modelFolder, prompt, warn);
  return measureFilm(film, judged && openPromptJudge(judged, film));
}

function judgedPrompt(folder: string, prompt: string, warn: (text: string) => void): JudgedPrompt | undefined {
  const file = join(folder, WORLD_FILE);
  if (!nameIsTaken(file)) return undefined;
  try {
    return readPrompt(readJsonFile(file, WORLD_FILE), prompt);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    warn(`${error.message}; the film is not compared with its prompt`);
    return undefined;
  }
}

/** What is wrong with a model folder's world file, if it has one. */
export function worldWarnings(folder: string): readonly string[] {
  const warnings: string[] = [];
  judgedPrompt(folder, '', (text) => void warnings.push(text));
  return warnings;
}
