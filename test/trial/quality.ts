/** `npm run quality -- [MODEL]`: what a model's films of held-out prompts must reach; exits with 1 where a figure does not hold. */
import { writeFileSync } from 'node:fs';
import { type Gate, longGates, plainGates } from './gates.ts';
import { type Kit, makeTrialFilm, openKit, type TrialFilm } from './make-film.ts';
import { OPTIONS_HELP, readOptions } from './options.ts';
import { type TrialPrompt, trialPrompts } from './prompts.ts';
import { readWorld } from './read-world.ts';
import { summarise } from './summary.ts';
import type { Way } from './ways.ts';

const PLAIN: Way = { kind: 'plain', name: 'plain' };
const LONG = { kind: 'blocks', name: 'long', contextLatents: 4, isCoordinated: true } as const;

async function makeFilms(
  kit: Kit,
  way: Way,
  prompts: readonly TrialPrompt[],
  frames: number,
): Promise<readonly TrialFilm[]> {
  const films: TrialFilm[] = [];
  for (const prompt of prompts) {
    const film = await makeTrialFilm(kit, way, prompt, frames);
    films.push(film);
    console.error(`${way.name} ${films.length}/${prompts.length} ${prompt.prompt}: ${verdict(film)}`);
  }
  return films;
}

function verdict({ figures: { adherence, joins } }: TrialFilm): string {
  if (adherence === null) return 'not judged';
  const { colour, shape, direction, step } = adherence;
  const seams = joins === null ? '' : `, seams ${joins.seamRatio.toFixed(2)}`;
  return `colour ${colour.toFixed(2)}, shape ${shape.toFixed(2)}, step ${step.toFixed(2)}, direction ${direction}${seams}`;
}

function line({ name, found, wanted, limit, holds }: Gate): string {
  return `${holds ? 'holds' : 'FAILS'}  ${name}: ${found.toFixed(3)} (at ${limit} ${wanted})`;
}

try {
  const options = readOptions({ prompts: 50, frames: 1025, long: 10 });
  const world = readWorld(options.model);
  const prompts = trialPrompts(world, Math.max(options.prompts, options.long), options.seed);
  const kit = await openKit(options.model, world, options.sampling, prompts);
  const plain = summarise(await makeFilms(kit, PLAIN, prompts.slice(0, options.prompts), options.frames));
  const way: Way = { ...LONG, blockLatents: options.longBlock, stride: options.longStride };
  const longKit = { ...kit, sampling: options.longSampling };
  const long = summarise(await makeFilms(longKit, way, prompts.slice(0, options.long), options.frames));
  const gates = [...plainGates(plain), ...longGates(long)];
  for (const gate of gates) console.log(line(gate));
  console.log(
    `right in nine tenths of everything: plain ${plain.right.toFixed(2)}, long ${long.right.toFixed(2)} of films`,
  );
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ plain, long, gates }, null, 1)}\n`);
  if (gates.some(({ holds }) => !holds)) process.exitCode = 1;
} catch (error) {
  console.error(`E_QUALITY: ${error instanceof Error ? error.message : error}`);
  console.error(`usage: npm run quality -- [MODEL] [options]\n${OPTIONS_HELP}`);
  process.exitCode = 2;
}
