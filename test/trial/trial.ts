/** `npm run trial`: the ways of ways.ts over the same held-out prompts and seeds, measured and put in a table. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { relative } from 'node:path';
import { makeTrialFilm, openKit, type TrialFilm } from './make-film.ts';
import { OPTIONS_HELP, type Options, readOptions } from './options.ts';
import { trialPrompts, withSeeds } from './prompts.ts';
import { readWorld } from './read-world.ts';
import { summarise } from './summary.ts';
import { type Row, tableOf, withTable } from './table.ts';
import { WAYS } from './ways.ts';

interface Way {
  readonly name: string;
  readonly films: TrialFilm[];
}

/** All films; a prompt goes through all ways before the next one, so that a trial that is broken off still compares. */
async function makeAll(options: Options): Promise<readonly Way[]> {
  const world = readWorld(options.model);
  const prompts = withSeeds(trialPrompts(world, options.prompts, options.seed), options.seeds);
  const kit = await openKit(options.model, world, options.sampling, prompts);
  const ways = WAYS.map((way) => ({ way, name: way.name, films: [] as TrialFilm[] }));
  for (const prompt of prompts) {
    for (const { way, films } of ways) films.push(await makeTrialFilm(kit, way, prompt, options.frames));
    console.error(`${ways[0]!.films.length}/${prompts.length} ${prompt.prompt}`);
  }
  return ways;
}

function pageOf(rows: readonly Row[], { model, prompts, frames, sampling, seed, seeds }: Options): string {
  const folder = relative(process.cwd(), model);
  const { steps, guidanceScale, stages } = sampling;
  const numbers = `--prompts ${prompts} --frames ${frames} --steps ${steps} --guidance ${guidanceScale} --stages ${stages} --seed ${seed} --seeds ${seeds}`;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`;
  return `Made by \`npm run trial -- --model ${folder} ${numbers} --markdown docs/trial.md\` on ${machine}.\n\n${tableOf(rows)}`;
}

try {
  const options = readOptions({ prompts: 20, frames: 321, long: 1 });
  const ways = await makeAll(options);
  const page = pageOf(
    ways.map(({ name, films }) => ({ name, summary: summarise(films) })),
    options,
  );
  console.log(page);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(ways, null, 1)}\n`);
  if (options.markdown !== undefined) {
    const old = existsSync(options.markdown) ? readFileSync(options.markdown, 'utf8') : '';
    writeFileSync(options.markdown, withTable(old, page));
  }
} catch (error) {
  console.error(`E_TRIAL: ${error instanceof Error ? error.message : error}`);
  console.error(`usage: npm run trial -- [options]\n${OPTIONS_HELP}`);
  process.exitCode = 2;
}
