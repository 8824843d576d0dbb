/** Two runs that write to one folder at once: one makes its film, the other is refused, nothing is mixed. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDice } from './dice.ts';
import { writeManifest } from './film-input.ts';
import { type Ended, startFilm } from './film-process.ts';
import { sha256Of } from './probe.ts';
import { counter, type FaultLine } from './table.ts';

const SEEDS = [1, 2] as const;
/** The second run starts within this time after the first: while that loads, denoises or ends. */
const LONGEST_LEAD_MILLISECONDS = 1500;

const start = (cwd: string, seed: number, output: string) =>
  startFilm(['generate', '-f', writeManifest(cwd, 'film', { seed }).toString(), '-o', output, '--json'], { cwd });

/** Two films of different seeds, `times` times. */
export async function twoRunsInOneFolder(scratch: string, times: number, seed: number): Promise<FaultLine> {
  const dice = createDice(seed);
  const { seen, add } = counter();
  const failures: string[] = [];
  const lone: string[] = [];
  for (const each of SEEDS) {
    const folder = join(scratch, `lone-${each}`);
    mkdirSync(folder);
    const { record } = await start(folder, each, 'out').ended;
    lone.push(record?.film?.sha256 ?? 'no film');
  }
  for (let index = 0; index < times; index++) {
    const folder = join(scratch, `two-${index}`);
    const inputs = SEEDS.map((each) => join(folder, `seed-${each}`));
    for (const input of inputs) mkdirSync(input, { recursive: true });
    const output = join(folder, 'out');
    const first = start(inputs[0]!, SEEDS[0], output);
    await sleep(dice.share() * LONGEST_LEAD_MILLISECONDS);
    const second = start(inputs[1]!, SEEDS[1], output);
    const ends = await Promise.all([first.ended, second.ended]);
    for (const { record } of ends) add(record?.error?.code ?? record?.outcome ?? 'no record');
    failures.push(...wrongs(ends, lone, output).map((wrong) => `${index}: ${wrong}`));
    rmSync(folder, { recursive: true });
  }
  return { what: 'two runs in one folder', done: times, seen, failures };
}

function wrongs(ends: readonly Ended[], lone: readonly string[], output: string): readonly string[] {
  const winners = ends.flatMap(({ status }, index) => (status === 0 ? [index] : []));
  const [winner] = winners;
  if (winner === undefined || winners.length !== 1) return [`${winners.length} of two made a film`];
  const wrong: string[] = [];
  const film = join(output, 'video.mp4');
  const found = existsSync(film) ? sha256Of(film) : 'no film';
  if (found !== lone[winner]) wrong.push(`run ${winner} made a film that is not its own`);
  if (ends[winner]!.record?.film?.sha256 !== found) wrong.push(`the record of run ${winner} names another film`);
  const loser = ends[1 - winner]!;
  if (loser.record?.outcome !== 'failed' || loser.record.error?.exit === 'internal') {
    wrong.push(
      `run ${1 - winner} was not refused by a code: ${loser.status} ${loser.stderr.trimEnd().split('\n').at(-1)}`,
    );
  }
  const left = readdirSync(output).filter((name) => name === 'blocks' || name.startsWith('.unfinished'));
  if (left.length > 0) wrong.push(`left ${left.join(', ')}`);
  return wrong;
}
