/** `npm run trial`: the ways of ways.ts over the same held-out prompts and seeds, measured and put in tables. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { relative } from 'node:path';
import { makeFilms } from './film-processes.ts';
import { openKit, type TrialFilm } from './make-film.ts';
import { OPTIONS_HELP, type Options, readOptions } from './options.ts';
import { trialPrompts, withSeeds } from './prompts.ts';
import { readWorld } from './read-world.ts';
import { summarise } from './summary.ts';
import { type Row, tableOf, withTable } from './table.ts';
import { TABLES } from './ways.ts';

interface Way {
  readonly table: string;
  readonly name: string;
  readonly films: readonly TrialFilm[];
}

/** All films, on as many processes as asked for; a prompt goes through all ways before the next one. */
async function makeAll(options: Options): Promise<readonly Way[]> {
  const world = readWorld(options.model);
  const prompts = withSeeds(trialPrompts(world, options.prompts, options.seed), options.seeds);
  const kit = await openKit(options.model, world, options.sampling, prompts);
  const ways = options.tables.flatMap((table) => TABLES[table]!.map(({ name }) => ({ table, name })));
  const { frames } = options;
  const orders = prompts.flatMap((prompt, round) =>
    ways.map(({ table, name }, at) => ({ id: round * ways.length + at, table, way: name, prompt, frames })),
  );
  const films = await makeFilms(kit, orders, options.processes, (done) => {
    if (done % ways.length === 0) console.error(`${done}/${orders.length} films`);
  });
  return ways.map((way, at) => ({ ...way, films: films.filter((_, id) => id % ways.length === at) }));
}

function pageOf(
  table: string,
  rows: readonly Row[],
  { model, prompts, frames, sampling, seed, seeds }: Options,
): string {
  const folder = relative(process.cwd(), model);
  const { steps, guidanceScale, stages } = sampling;
  const numbers = `--table ${table} --prompts ${prompts} --frames ${frames} --steps ${steps} --guidance ${guidanceScale} --stages ${stages} --seed ${seed} --seeds ${seeds}`;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`;
  return `Made by \`npm run trial -- --model ${folder} ${numbers} --markdown docs/trial.md\` on ${machine}.\n\n${tableOf(rows)}`;
}

try {
  const options = readOptions({ prompts: 20, frames: 321, long: 1 });
  const ways = await makeAll(options);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(ways, null, 1)}\n`);
  for (const table of options.tables) {
    const rows = ways.filter((way) => way.table === table);
    const page = pageOf(
      table,
      rows.map(({ name, films }) => ({ name, summary: summarise(films) })),
      options,
    );
    console.log(page);
    if (options.markdown === undefined) continue;
    const old = existsSync(options.markdown) ? readFileSync(options.markdown, 'utf8') : '';
    writeFileSync(options.markdown, withTable(old, table, page));
  }
} catch (error) {
  console.error(`E_TRIAL: ${error instanceof Error ? error.message : error}`);
  console.error(`usage: npm run trial -- [options]\n${OPTIONS_HELP}`);
  process.exitCode = 2;
}
