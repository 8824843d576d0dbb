import type { FilmShape } from '../film-quality.ts';
import type { PromptJudge } from '../prompt-judge.ts';
import { openAdherence } from './adherence.ts';
import { parsePrompt, type Wanted } from './grammar.ts';
import { parseWorld, type World } from './world.ts';

/** A prompt that can be judged, because it is in the words of the model's world. */
export interface JudgedPrompt {
  readonly world: World;
  readonly wanted: Wanted;
}

/** What a prompt wants by a parsed `world.json`; undefined where it is not in the world's words. Throws `E_QUALITY_WORLD`. */
export function readPrompt(worldJson: unknown, prompt: string): JudgedPrompt | undefined {
  const world = parseWorld(worldJson);
  const wanted = parsePrompt(world, prompt);
  return wanted === null ? undefined : { world, wanted };
}

/** A judge of a film by its prompt; undefined where the picture has not the world's size, for then nothing can be told. */
export function openPromptJudge({ world, wanted }: JudgedPrompt, film: FilmShape): PromptJudge | undefined {
  const isOfWorld = film.width === world.side && film.height === world.side;
  return isOfWorld ? openAdherence(world, wanted, film.frames) : undefined;
}
