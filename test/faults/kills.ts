/** A film that is killed at random moments and gone on with, on another number of stages each time, until it is there: the same to the bit. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDice, type Dice } from './dice.ts';
import { writeManifest } from './film-input.ts';
import { type Ended, type FilmProcess, killQuietly, startFilm } from './film-process.ts';
import { sha256Of } from './probe.ts';
import { counter, type FaultLine } from './table.ts';

const STAGES = [1, 2, 3, 4, 6];
const FILM = { frames: 81, steps: 6, every: '0s' };
const LATENTS = 'latents.safetensors';
/** A film that is still not there by then never will be. */
const MOST_KILLS = 60;

/** Makes films, each killed again and again, until so many kills are made; compares each with one that nobody disturbed. */
export async function killsAtRandomMoments(scratch: string, times: number, seed: number): Promise<FaultLine> {
  const dice = createDice(seed);
  const { seen, add } = counter();
  const failures: string[] = [];
  const { wanted, milliseconds } = await undisturbed(scratch);
  let kills = 0;
  for (let index = 0; kills < times; index++) {
    const folder = join(scratch, `kill-${index}`);
    mkdirSync(folder);
    const made = await makeThroughKills(folder, { dice, milliseconds, kills: times - kills, add });
    kills += made.kills;
    if (made.found !== wanted)
      failures.push(`film ${index}, after ${made.kills} kills: ${made.found}, wanted ${wanted}`);
    rmSync(folder, { recursive: true });
  }
  return { what: 'kills at random moments, gone on with', done: kills, seen, failures };
}

interface Killing {
  readonly dice: Dice;
  /** How long the film takes that nobody disturbs. */
  readonly milliseconds: number;
  /** At most. */
  readonly kills: number;
  readonly add: (seen: string) => void;
}

/** Makes one film in spite of kills: what it is in the end, or why it is none. */
async function makeThroughKills(folder: string, killing: Killing): Promise<{ found: string; kills: number }> {
  const { dice, add } = killing;
  for (let kills = 0; kills < MOST_KILLS; ) {
    const film = start(folder, dice.pick(STAGES));
    const isKilled = kills < killing.kills && (await killed(film, dice, killing.milliseconds));
    const ended = await film.ended;
    if (/going on after iteration/.test(ended.stdout)) add('gone on with');
    if (isKilled) {
      kills += 1;
      add(`killed in ${phaseOf(ended)}`);
    } else {
      const isMade = ended.record?.outcome === 'succeeded';
      add(isMade ? 'made' : 'ended otherwise');
      return { found: isMade ? digestsIn(folder) : `${ended.status}: ${lastLine(ended.stderr)}`, kills };
    }
  }
  return { found: 'no film', kills: MOST_KILLS };
}

async function undisturbed(scratch: string) {
  const folder = join(scratch, 'undisturbed');
  mkdirSync(folder);
  const started = performance.now();
  const { status, stderr } = await start(folder, 1).ended;
  if (status !== 0) throw new Error(`the undisturbed film ended with ${status}: ${lastLine(stderr)}`);
  return { wanted: digestsIn(folder), milliseconds: performance.now() - started };
}

function start(folder: string, stages: number): FilmProcess {
  const manifest = writeManifest(folder, 'film', { ...FILM, stages });
  return startFilm(['generate', '-f', manifest, '-o', 'out', '--latents', LATENTS, '--json'], { cwd: folder });
}

/** Kills the process that makes the film, or with it the one that watches; false where it was done before. */
async function killed(film: FilmProcess, dice: Dice, milliseconds: number): Promise<boolean> {
  const isOver = film.ended.then(() => true);
  const moment = sleep(dice.share() * milliseconds).then(() => false);
  if (await Promise.race([isOver, moment])) return false;
  const child = film.child();
  if (child === undefined || dice.share() < 0.3) {
    film.kill('SIGKILL');
    if (child !== undefined) killQuietly(child);
    for (const pid of film.living()) killQuietly(pid);
  } else killQuietly(child);
  const { status } = await film.ended;
  return status !== 0;
}

function digestsIn(folder: string): string {
  return `mp4 ${sha256Of(join(folder, 'out/video.mp4'))}, latents ${sha256Of(join(folder, LATENTS))}`;
}

function phaseOf({ stdout }: Ended): string {
  return [...stdout.matchAll(/"phase":"(\w+)"/g)].at(-1)?.[1] ?? 'the start';
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';
