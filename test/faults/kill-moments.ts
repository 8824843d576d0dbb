/** Moments at which a film is killed: any, in a phase, or while something is being written; and what the kill has cut off. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from './dice.ts';
import { type FilmProcess, killQuietly } from './film-process.ts';

/** In order, as a run says them; decoding and encoding go on while later blocks are denoised. */
const PHASES = ['Encoding', 'Loading', 'Denoising', 'Finishing'] as const;
type Phase = (typeof PHASES)[number];
type Aim = Phase | 'any moment' | 'a checkpoint' | 'a block' | 'the film';

/** What a kill may be aimed at. */
export const AIMS: readonly Aim[] = ['any moment', ...PHASES, 'a checkpoint', 'a block', 'the film'];

/** Milliseconds that the undisturbed film takes, in all and in each phase. */
export interface Lengths {
  readonly whole: number;
  readonly phases: Readonly<Record<Phase, number>>;
}

/** Looks how long a film takes that nobody disturbs; resolves at its end. */
export async function lengthsOf(film: FilmProcess): Promise<Lengths> {
  const started = performance.now();
  const begins: number[] = [];
  for (const phase of PHASES) {
    await film.said(phaseText(phase));
    begins.push(performance.now() - started);
  }
  await film.ended;
  const ends = [...begins.slice(1), performance.now() - started];
  const phases = Object.fromEntries(PHASES.map((phase, index) => [phase, ends[index]! - begins[index]!]));
  return { whole: ends.at(-1)!, phases: phases as Lengths['phases'] };
}

interface Moment {
  readonly aim: Aim;
  /** Where the film's output folder `out` lies. */
  readonly folder: string;
  readonly dice: Dice;
  readonly lengths: Lengths;
}

/** Folders in which something stands under the name of what is not finished, while it is written. */
const WRITTEN_IN = { 'a checkpoint': 'checkpoint', 'a block': 'blocks/checkpoint', 'the film': '' } as const;
/** One of three kills takes the process that watches, too. */
const SHARE_OF_PARENTS = 0.3;

/** Kills the process that makes the film, or with it the one that watches: milliseconds after the start; undefined where it was over before. */
export async function killAt(film: FilmProcess, moment: Moment): Promise<number | undefined> {
  const started = performance.now();
  const { isOver } = watchEnd(film);
  await wait(film, moment, isOver);
  if (isOver()) return undefined;
  const after = performance.now() - started;
  const child = film.child();
  if (child === undefined || moment.dice.share() < SHARE_OF_PARENTS) {
    film.kill('SIGKILL');
    if (child !== undefined) killQuietly(child);
    for (const pid of film.living()) killQuietly(pid);
  } else killQuietly(child);
  return after;
}

function watchEnd(film: FilmProcess) {
  const state = { isOver: false };
  film.ended.then(() => {
    state.isOver = true;
  });
  return { isOver: () => state.isOver };
}

async function wait(film: FilmProcess, { aim, folder, dice, lengths }: Moment, isOver: () => boolean): Promise<void> {
  const untilOver = film.ended.then(() => undefined);
  const pause = (milliseconds: number) => Promise.race([sleep(milliseconds), untilOver]);
  if (aim === 'any moment') return pause(dice.share() * lengths.whole);
  if (aim === 'a checkpoint' || aim === 'a block' || aim === 'the film') {
    const place = join(folder, 'out', WRITTEN_IN[aim]);
    await film.said(phaseText(aim === 'the film' ? 'Finishing' : 'Denoising'));
    if (aim !== 'the film') await pause(dice.share() * lengths.phases.Denoising);
    while (!isOver() && !isWriting(place)) await new Promise(setImmediate);
    return;
  }
  await film.said(phaseText(aim));
  await pause(dice.share() * lengths.phases[aim]);
}

/** What a kill has cut off in an output folder, as far as that can be seen afterwards. */
export function underWayIn(out: string): readonly string[] {
  const found: string[] = [];
  const isCut = isWriting(join(out, 'checkpoint')) || lacksManifest(join(out, 'checkpoint'));
  if (isCut) found.push('the write of a checkpoint');
  if (isWriting(join(out, 'blocks/checkpoint'))) found.push('the storing of a block');
  if (isPublishing(join(out, 'video.json'))) {
    found.push(existsSync(join(out, 'video.mp4')) ? 'the publishing' : 'the joining');
  }
  return found;
}

const phaseText = (phase: Phase) => `"phase":"${phase}"`;

const isWriting = (folder: string) => namesIn(folder).some((name) => name.startsWith('.unfinished-'));

/** States come before their manifest. */
function lacksManifest(folder: string): boolean {
  const names = new Set(namesIn(folder));
  return [...names].some((name) => {
    const iteration = /^state-(\d+)\.f32$/.exec(name)?.[1];
    return iteration !== undefined && !names.has(`after-${iteration}.json`);
  });
}

function isPublishing(record: string): boolean {
  try {
    return readFileSync(record, 'utf8').includes('"publishing": true');
  } catch {
    return false;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
