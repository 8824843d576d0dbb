import { type FilmFigures, type FilmShape, measureFilm } from '../../runner/quality/film-quality.ts';
import { type JudgedPrompt, openPromptJudge } from '../../runner/quality/tiny-world/judge-prompt.ts';

/** The figures of frames of 96 × 96 pixels that are given one by one, a block beginning at each of `starts`. */
export function figuresOf(
  frames: readonly Uint8Array[],
  starts: readonly number[],
  blockLatents: number,
  prompt?: JudgedPrompt,
): FilmFigures {
  const shape: FilmShape = { width: 96, height: 96, frames: frames.length, blockLatents };
  const measure = measureFilm(shape, prompt && openPromptJudge(prompt, shape));
  for (const [index, frame] of frames.entries()) {
    if (starts.includes(index)) measure.openBlock();
    measure.add(frame);
  }
  return measure.result();
}
