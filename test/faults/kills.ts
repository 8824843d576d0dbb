/** A film that is killed again and again and gone on with, on another number of stages each time, until it is there: the same to the bit. */
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createDice, type Dice } from './dice.ts';
import { writeManifest } from './film-input.ts';
import { type Ended, type FilmProcess, startFilm } from './film-process.ts';
import { AIMS, killAt, type Lengths, lengthsOf, underWayIn } from './kill-moments.ts';
import { sha256Of } from './probe.ts';
import { counter, type FaultLine } from './table.ts';

const STAGES = [1, 2, 3, 4, 6];
const FILM = { frames: 81, steps: 6, every: '0s' };
const LATENTS = 'latents.safetensors';
/** A film that is still not there by then never will be. */
const MOST_KILLS = 60;
/** Films that are made at the same time: each is busy with one processor or with starting. */
const MOST_LANES = 4;

/** A kill that was made, and how it stands by then. */
export interface Kill {
  /** Counted from 1, of so many. */
  readonly kill: number;
  readonly of: number;
  readonly film: number;
  readonly stages: number;
  readonly phase: string;
  /** Milliseconds after the start of the process. */
  readonly after: number;
  /** What the folder shows to have been cut off, for instance the write of a checkpoint. */
  readonly underWay: readonly string[];
  /** Films that are made so far, and those of them that are not the undisturbed one. */
  readonly films: number;
  readonly wrong: number;
}

/** Makes films, each killed again and again, until so many kills are made; compares each with one that nobody disturbed. */
export async function killsAtRandomMoments(
  scratch: string,
  times: number,
  seed: number,
  onKill: (kill: Kill) => void = () => undefined,
): Promise<FaultLine> {
  const { seen, add } = counter();
  const failures: string[] = [];
  const { wanted, lengths } = await undisturbed(scratch);
  // A kill is counted when it is promised, so that films beside each other make no more than were asked for.
  const state = { promised: 0, kills: 0, films: 0, next: 0 };

  async function makeOne(film: number): Promise<void> {
    const folder = join(scratch, `kill-${film}`);
    mkdirSync(folder);
    const { found, kills } = await makeThroughKills(folder, {
      dice: createDice(seed * 100_003 + film),
      lengths,
      add,
      promise: () => state.promised < times && ++state.promised > 0,
      takeBack: () => void state.promised--,
      tell: (made) => {
        state.kills += 1;
        const { films } = state;
        onKill({ kill: state.kills, of: times, film, ...made, films, wrong: failures.length });
      },
    });
    state.films += 1;
    if (found !== wanted) failures.push(`film ${film}, after ${kills} kills: ${found}, wanted ${wanted}`);
    rmSync(folder, { recursive: true });
  }

  async function lane(): Promise<void> {
    while (state.kills < times) await makeOne(state.next++);
  }

  const lanes = Math.min(MOST_LANES, availableParallelism());
  await Promise.all(Array.from({ length: lanes }, lane));
  return { what: 'kills at random moments, gone on with', done: state.kills, seen, failures };
}

/** A kill as a line for who waits. */
export function describeKill({ kill, of, film, stages, phase, after, underWay, films, wrong }: Kill): string {
  const cut = underWay.length === 0 ? '' : `, in ${underWay.join(' and ')}`;
  const where = `film ${film} on ${stages} stages, ${phase} after ${Math.round(after)} ms${cut}`;
  return `kill ${kill} of ${of}: ${where}; ${films} films made, ${wrong} wrong`;
}

interface Killing {
  readonly dice: Dice;
  readonly lengths: Lengths;
  readonly add: (seen: string) => void;
  /** Whether one more kill may be made. */
  readonly promise: () => boolean;
  readonly takeBack: () => void;
  readonly tell: (made: Killed) => void;
}

type Killed = Pick<Kill, 'stages' | 'phase' | 'after' | 'underWay'>;

/** Makes one film in spite of kills: what it is in the end, or why it is none. */
async function makeThroughKills(folder: string, killing: Killing): Promise<{ found: string; kills: number }> {
  for (let kills = 0; kills < MOST_KILLS; kills++) {
    const { killed, ended } = await attempt(folder, killing);
    if (/going on after iteration/.test(ended.stdout)) killing.add('gone on with');
    if (killed === undefined) {
      const isMade = ended.record?.outcome === 'succeeded';
      killing.add(isMade ? 'made' : 'ended otherwise');
      return { found: isMade ? digestsIn(folder) : `${ended.status}: ${lastLine(ended.stderr)}`, kills };
    }
    killing.add(`killed in ${killed.phase}`);
    for (const what of killed.underWay) killing.add(`killed in ${what}`);
    killing.tell(killed);
  }
  return { found: 'no film', kills: MOST_KILLS };
}

/** A run in the folder, and its kill unless it came to its end before. */
async function attempt(folder: string, { dice, lengths, promise, takeBack }: Killing) {
  const stages = dice.pick(STAGES);
  const film = start(folder, stages);
  const isPromised = promise();
  const after = isPromised ? await killAt(film, { aim: dice.pick(AIMS), folder, dice, lengths }) : undefined;
  const ended: Ended = await film.ended;
  // It may have been done at that very moment.
  if (after === undefined || ended.status === 0) {
    if (isPromised) takeBack();
    return { killed: undefined, ended };
  }
  const killed: Killed = { stages, phase: phaseOf(ended), after, underWay: underWayIn(join(folder, 'out')) };
  return { killed, ended };
}

async function undisturbed(scratch: string) {
  const folder = join(scratch, 'undisturbed');
  mkdirSync(folder);
  const film = start(folder, 1);
  const lengths = await lengthsOf(film);
  const { status, stderr } = await film.ended;
  if (status !== 0) throw new Error(`the undisturbed film ended with ${status}: ${lastLine(stderr)}`);
  return { wanted: digestsIn(folder), lengths };
}

function start(folder: string, stages: number): FilmProcess {
  const manifest = writeManifest(folder, 'film', { ...FILM, stages });
  return startFilm(['generate', '-f', manifest, '-o', 'out', '--latents', LATENTS, '--json'], { cwd: folder });
}

function digestsIn(folder: string): string {
  return `mp4 ${sha256Of(join(folder, 'out/video.mp4'))}, latents ${sha256Of(join(folder, LATENTS))}`;
}

function phaseOf({ stdout }: Ended): string {
  return [...stdout.matchAll(/"phase":"(\w+)"/g)].at(-1)?.[1] ?? 'the start';
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';
