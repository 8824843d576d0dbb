/** Violent ends of the process that makes a film: the result is there, nothing is left, the next run in the folder succeeds. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDice } from './dice.ts';
import { writeManifest } from './film-input.ts';
import { type Ended, killQuietly, startFilm } from './film-process.ts';
import { counter, type FaultLine } from './table.ts';

const SIGNALS = ['SIGKILL', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGABRT'] as const;
/** Later than this the shortest film may be done. */
const LATEST_MILLISECONDS = 2500;
const LEAVE_MILLISECONDS = 300;
const CODES = new Set(['E_CRASHED', 'E_KILLED', 'E_FILE_LOST', 'E_OUT_OF_MEMORY']);

/** Kills the film's process `times` times at random moments, then makes the film in the same folder. */
export async function crashesAtRandomMoments(scratch: string, times: number, seed: number): Promise<FaultLine> {
  const dice = createDice(seed);
  const { seen, add } = counter();
  const failures: string[] = [];
  for (let index = 0; index < times; index++) {
    const folder = join(scratch, `crash-${index}`);
    mkdirSync(folder);
    const args = ['generate', '-f', writeManifest(folder, 'film'), '-o', 'out', '--json'];
    const film = startFilm(args, { cwd: folder });
    await film.listening();
    while (film.child() === undefined) await sleep(5);
    await sleep(dice.share() * LATEST_MILLISECONDS);
    const signal = dice.pick(SIGNALS);
    const child = film.child();
    if (child !== undefined) killQuietly(child, signal);
    const ended = await film.ended;
    if (film.living().length > 0) await sleep(LEAVE_MILLISECONDS);
    add(ended.record?.error?.code ?? ended.record?.outcome ?? 'no record');
    const wrong = wrongs(ended, film.living().length);
    const again = await startFilm(args, { cwd: folder }).ended;
    if (again.status !== 0) wrong.push(`the next run ended with ${again.status}: ${lastLine(again.stderr)}`);
    failures.push(...wrong.map((text) => `${index} (${signal}): ${text}`));
    rmSync(folder, { recursive: true });
  }
  return { what: 'crashes at random moments', done: times, seen, failures };
}

function wrongs({ status, record, stderr }: Ended, living: number): string[] {
  const wrong: string[] = [];
  const isDone = record?.outcome === 'succeeded';
  if (record === undefined) wrong.push(`left no valid record (${status}): ${lastLine(stderr)}`);
  else if (!isDone && !CODES.has(record.error?.code ?? '')) wrong.push(`says ${record.error?.code}`);
  if (status !== (isDone ? 0 : 60)) wrong.push(`ended with ${status}`);
  if (living > 0) wrong.push(`left ${living} processes`);
  return wrong;
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';
