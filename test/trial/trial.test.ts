import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parsePrompt } from '../../runner/quality/tiny-world/grammar.ts';
import { drawClip } from './draw-clip.ts';
import { longGates, plainGates } from './gates.ts';
import { type Kit, makeTrialFilm, openKit, type TrialFilm } from './make-film.ts';
import { figuresOf } from './play.ts';
import { trialPrompts } from './prompts.ts';
import { tinyWorld } from './read-world.ts';
import { summarise } from './summary.ts';
import { tableOf, withTable } from './table.ts';
import { TABLES } from './ways.ts';

const world = tinyWorld();
const wanted = parsePrompt(world, 'a red circle moving right')!;
/** First frames of the blocks of 65 frames: twelve latents and five. */
const STARTS = [0, 45];

/** A film as `drawn` goes, judged by what the world's red circle should do. */
function film(drawn: Iterable<Uint8Array>, processorSeconds = 1): TrialFilm {
  const frames = [...drawn];
  return { figures: figuresOf(frames, STARTS, 8, { world, wanted }), frames: frames.length, processorSeconds };
}

const right = film(drawClip(world, wanted, 65));
const still = film(drawClip(world, { ...wanted, direction: 'still' }, 65), 3);
const blue = film(drawClip(world, { ...wanted, colour: 'blue' }, 65));

test('held-out prompts come in a mixed order, none twice before all were there, each film with a seed of its own', () => {
  const short = world.heldOut.filter((prompt) => prompt.endsWith(' on a dark background')).length;
  const all = world.heldOut.length + short;
  const prompts = trialPrompts(world, all + 3, 100);
  expect(all).toBeGreaterThanOrEqual(50);
  expect(new Set(prompts.slice(0, all).map(({ prompt }) => prompt)).size).toBe(all);
  expect(prompts.map(({ seed }) => seed)).toEqual(prompts.map((_, index) => 100 + index));
  expect(prompts[all]!.prompt).toBe(prompts[0]!.prompt);
  for (const each of prompts) expect(parsePrompt(world, each.prompt)).toEqual(each.wanted);
  expect(new Set(prompts.slice(0, 10).map(({ wanted: { direction } }) => direction)).size).toBeGreaterThan(3);
});

describe('a summary', () => {
  test('is the mean over films, with joins counted together', () => {
    expect(summarise([right, still])).toMatchObject({
      films: 2,
      frames: 65,
      colour: 1,
      colourByQuarter: [1, 1, 1, 1],
      shape: 1,
      background: 1,
      direction: 0.5,
      directionKept: 0.5,
      right: 0.5,
      seamRatio: 1,
      joinsKept: 0.5,
      collapsed: 0,
      processorSecondsPer100Frames: expect.closeTo(200 / 65, 9),
    });
  });

  test('has no seams where no film has joins', () => {
    const plain = { ...right, figures: { ...right.figures, joins: null, repetition: null } };
    expect(summarise([plain])).toMatchObject({ seamRatio: null, worstSeam: null, repetition: null });
  });
});

test('gates hold for true films and fail for what is wrong, each by name', () => {
  const failing = (films: readonly TrialFilm[]) => {
    const summary = summarise(films);
    return [...plainGates(summary), ...longGates(summary)].filter(({ holds }) => !holds).map(({ name }) => name);
  };
  expect(failing([right])).toEqual([]);
  expect(failing([still])).toEqual([
    'plain: direction, share of films',
    'long: direction kept in every quarter, share of films',
    'long: joins through which the object moves on, share',
  ]);
  expect(failing([blue])).toEqual([
    'plain: strict colour, share of frames',
    ...[1, 2, 3, 4].map((quarter) => `long: strict colour in quarter ${quarter}, share of frames`),
  ]);
  const collapsed = { ...right, figures: { ...right.figures, drift: { ...right.figures.drift, isCollapsed: true } } };
  expect(failing([collapsed])).toEqual(['long: collapsed, share of films']);
  const unjoined = { ...right, figures: { ...right.figures, joins: null } };
  expect(failing([unjoined])).toEqual(['long: seam ratio, mean']);
});

test('a table has a line per way, and takes the place of the one of its name, not of another', () => {
  const table = tableOf([{ name: 'true', summary: summarise([right]) }]);
  expect(table.split('\n').at(-1)).toMatch(
    /^\| true \| 65 \| 100 % \| 100 % \| 100 % \| 100 % \| 100 % \| 1\.00 \| 100 % \|/,
  );
  const page = withTable(withTable('# Title\n', 'one', 'old'), 'two', 'another');
  expect(page.match(/old|another/g)).toEqual(['old', 'another']);
  expect(withTable(`${page}After.\n`, 'one', 'new')).toBe(`${page}After.\n`.replace('old', 'new'));
});

describe('films of every way are made and measured', () => {
  const prompts = trialPrompts(world, 1, 5);
  const prompt = prompts[0]!;
  let kit: Kit;
  beforeAll(async () => {
    const folder = join(import.meta.dirname, '../golden/data/tiny-wan');
    kit = await openKit(folder, world, { steps: 1, guidanceScale: 1, stages: 1 }, prompts);
  });
  const way = (name: string) =>
    Object.values(TABLES)
      .flat()
      .find((each) => each.name === name)!;

  test('a chunk as long as a plain film is that film', async () => {
    const plain = await makeTrialFilm(kit, way('plain short run'), prompt, 5);
    const chunks = await makeTrialFilm(kit, way('naive chunks'), prompt, 81);
    expect(plain.frames).toBe(81);
    expect(chunks.figures).toEqual(plain.figures);
  });

  test.each([
    { name: 'naive chunks', frames: 89, joins: 1 },
    { name: 'DualParal, c = 0, independent noise', frames: 65, joins: 2 },
    { name: 'DualParal, c = 0, coordinated noise', frames: 65, joins: 2 },
    { name: 'DualParal, c = 4, coordinated noise', frames: 65, joins: 1 },
  ])('$name, $frames frames', async ({ name, frames, joins }) => {
    const { figures, frames: made } = await makeTrialFilm(kit, way(name), prompt, frames);
    expect([made, figures.joins?.count, figures.adherence?.joins]).toEqual([frames, joins, joins]);
  });

  test('noise of its own makes another film', async () => {
    const [own, shared] = await Promise.all(
      ['independent', 'coordinated'].map((noise) =>
        makeTrialFilm(kit, way(`DualParal, c = 2, ${noise} noise`), prompt, 65),
      ),
    );
    expect(own!.figures).not.toEqual(shared!.figures);
  });
});
