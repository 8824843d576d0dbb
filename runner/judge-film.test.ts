import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { drawClip } from '../test/trial/draw-clip.ts';
import { tinyWorld } from '../test/trial/read-world.ts';
import { judgeFilm } from './judge-film.ts';
import type { Plan } from './plan/plan.ts';
import { parsePrompt } from './quality/tiny-world/grammar.ts';

const folder = mkdtempSync(join(tmpdir(), 'dualparal-judge-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PROMPT = 'a green triangle moving up';
const FRAMES = 5;
const world = tinyWorld();
const frames = Buffer.concat([...drawClip(world, parsePrompt(world, PROMPT)!, FRAMES)]);

/** Figures of the drawn film of {@link PROMPT} for a job of `prompt`, and the warnings. */
function judged(prompt: string, size = { width: 96, height: 96 }) {
  const spec = jobSpecSchema.parse({
    name: 'judged',
    prompt,
    frames: FRAMES,
    size,
    model: { ref: 'tiny', folder },
    sampling: {},
    parallelism: {},
    output: { folder },
  });
  const warnings: string[] = [];
  const plan = { frames: FRAMES, blockLatents: 2 } as Plan;
  const measure = judgeFilm(spec, plan, folder, (text) => warnings.push(text));
  measure.add(frames.subarray(0, size.width * size.height * 3 * FRAMES));
  return { right: measure.result().adherence?.isRight, warnings };
}

describe('a prompt is judged', () => {
  test('never, where the model brings no world', () => {
    expect(judged(PROMPT)).toEqual({ right: undefined, warnings: [] });
  });

  test('where the model brings its world, and only in its words and at its size', () => {
    copyFileSync(join(import.meta.dirname, '../models/tiny/world.json'), join(folder, 'world.json'));
    expect(judged(PROMPT)).toEqual({ right: true, warnings: [] });
    expect(judged('a red triangle moving up')).toEqual({ right: false, warnings: [] });
    expect(judged('a green triangle in a storm')).toEqual({ right: undefined, warnings: [] });
    expect(judged(PROMPT, { width: 64, height: 64 })).toEqual({ right: undefined, warnings: [] });
  });

  test.each([
    { what: 'not JSON', text: '{', warning: /^world\.json: it is not JSON/ },
    { what: 'another world', text: '{"side": 96}', warning: /^world\.json of the model: speedPixelsPerFrame: / },
  ])('not by a world file that is $what, and a warning says so', ({ text, warning }) => {
    writeFileSync(join(folder, 'world.json'), text);
    expect(judged(PROMPT)).toEqual({ right: undefined, warnings: [expect.stringMatching(warning)] });
  });
});
