/** Stops of a short film at random moments of its whole life. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXITS } from '#contract/exit.ts';
import { type Result, resultSchema } from '#contract/result.ts';
import { createDice, type Dice } from './dice.ts';
import { writeJob, writeManifest } from './film-input.ts';
import { type Ended, type FilmProcess, readRecord, startFilm } from './film-process.ts';
import { playableFrames } from './probe.ts';
import { counter, describeTimes, type FaultLine } from './table.ts';

/** What a stop may do wrong only by being slow. */
const SLOW_MILLISECONDS = 2000;
/** Processes that were killed leave within this time. */
const LEAVE_MILLISECONDS = 300;

interface Stop {
  readonly verb: 'generate' | 'run';
  readonly stages: number;
  readonly signal: 'SIGTERM' | 'SIGINT';
  /** Milliseconds after the process hears signals. */
  readonly after: number;
}

/** What a stop did. */
interface Stopped {
  readonly stop: Stop;
  readonly ended: Ended;
  readonly record: Result | undefined;
  readonly milliseconds: number;
  readonly living: number;
}

export interface StopOptions {
  readonly scratch: string;
  readonly stops: number;
  readonly seed: number;
  readonly onStop?: (done: number) => void;
}

const STAGES = [1, 2, 3, 4, 6, 8];

/** Stops a film `stops` times, in all phases, and checks the end of each. */
export async function stopAtRandomMoments({ scratch, stops, seed, onStop }: StopOptions): Promise<FaultLine> {
  const dice = createDice(seed);
  const whole = await lengths(scratch);
  const { seen, add } = counter();
  const failures: string[] = [];
  const times: number[] = [];
  for (let index = 0; index < stops; index++) {
    const stop = randomStop(dice, whole);
    const folder = join(scratch, `stop-${index}`);
    mkdirSync(folder);
    const stopped = await stopFilm(folder, stop);
    add(stopped.record?.outcome ?? 'no record');
    add(`in ${phaseOf(stopped)}`);
    times.push(stopped.milliseconds);
    const name = `${index} (${stop.verb}, ${stop.stages} stages, ${stop.signal} after ${Math.round(stop.after)} ms)`;
    failures.push(...wrongs(stopped).map((wrong) => `${name}: ${wrong}`));
    rmSync(folder, { recursive: true });
    onStop?.(index + 1);
  }
  return {
    what: 'stops at random moments',
    done: stops,
    seen,
    failures,
    figures: describeTimes('from signal to end', times),
  };
}

/** How long a whole film takes here and now, per number of stages. */
async function lengths(scratch: string): Promise<ReadonlyMap<number, number>> {
  const whole = new Map<number, number>();
  for (const stages of [STAGES[0]!, STAGES.at(-1)!]) {
    const folder = join(scratch, `whole-${stages}`);
    mkdirSync(folder);
    const film = start(folder, { verb: 'generate', stages, signal: 'SIGINT', after: 0 });
    await film.listening();
    const started = performance.now();
    await film.ended;
    whole.set(stages, performance.now() - started);
    rmSync(folder, { recursive: true });
  }
  return whole;
}

function randomStop(dice: Dice, whole: ReadonlyMap<number, number>): Stop {
  const stages = dice.pick(STAGES);
  const length = whole.get(stages) ?? Math.max(...whole.values());
  return {
    verb: dice.pick(['generate', 'run']),
    stages,
    signal: dice.pick(['SIGTERM', 'SIGINT']),
    after: dice.share() * length,
  };
}

const LOG = 'termination-log';

function start(folder: string, { verb, stages }: Stop): FilmProcess {
  if (verb === 'generate') {
    return startFilm(['generate', '-f', writeManifest(folder, 'film', { stages }), '-o', 'out', '--json'], {
      cwd: folder,
    });
  }
  const environment = { DUALPARAL_TERMINATION_LOG: join(folder, LOG) };
  return startFilm(['run', '--job', writeJob(folder, 'film', join(folder, 'out'), { stages })], {
    cwd: folder,
    environment,
  });
}

async function stopFilm(folder: string, stop: Stop): Promise<Stopped> {
  const film = start(folder, stop);
  await film.listening();
  await sleep(stop.after);
  const sent = performance.now();
  film.kill(stop.signal);
  const ended = await film.ended;
  const milliseconds = performance.now() - sent;
  if (film.living().length > 0) await sleep(LEAVE_MILLISECONDS);
  const record = stop.verb === 'generate' ? ended.record : recordOf(join(folder, LOG));
  return { stop, ended, record, milliseconds, living: film.living().length };
}

function recordOf(file: string): Result | undefined {
  try {
    return readRecord(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Everything that is not as it must be after a stop. */
function wrongs({ stop, ended, record, milliseconds, living }: Stopped): readonly string[] {
  const wrong: string[] = [];
  const goesOn = /it goes on after iteration \d+/.test(record?.error?.message ?? '');
  const clean = stop.signal === 'SIGTERM' || goesOn ? EXITS.resume.code : EXITS.interrupted.code;
  const wanted = record?.outcome === 'succeeded' ? EXITS.success.code : clean;
  if (ended.status !== wanted) wrong.push(`ended with ${ended.status}, wanted ${wanted}: ${lastLine(ended.stderr)}`);
  if (record === undefined) wrong.push('left no valid record');
  else if (record.outcome === 'failed') wrong.push(`says it failed: ${record.error?.code} ${record.error?.message}`);
  for (const warning of record?.warnings ?? []) {
    if (/while it was stopping|in time/.test(warning))
      wrong.push(`${warning}; last words: ${ended.stderr.slice(-600)}`);
  }
  if (/^\s+at .*:\d+/m.test(ended.stderr)) wrong.push('printed a stack');
  if (living > 0) wrong.push(`left ${living} processes`);
  if (milliseconds > SLOW_MILLISECONDS) wrong.push(`took ${Math.round(milliseconds)} ms`);
  return [...wrong, ...filmWrongs(record)];
}

/** A film that is named must play; finished frames must be in one. */
function filmWrongs(record: Result | undefined): readonly string[] {
  const { film, partial } = (record ?? {}) as Result & { readonly partial?: Result['film'] };
  const named = film ?? partial;
  if (named === undefined) {
    const isLost = 'partial' in resultSchema.shape && (record?.framesReady ?? 0) > 0;
    return isLost ? [`lost ${record?.framesReady} finished frames`] : [];
  }
  const frames = playableFrames(named.location);
  return frames === named.frames ? [] : [`${named.location} should play ${named.frames} frames, plays ${frames}`];
}

function phaseOf({ ended, stop }: Stopped): string {
  const text = stop.verb === 'generate' ? ended.stdout : ended.stderr;
  return [...text.matchAll(/"phase":"(\w+)"/g)].at(-1)?.[1] ?? 'the start';
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';
