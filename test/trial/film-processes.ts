import { type ForkOptions, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FilmOrder } from './film-process.ts';
import type { Kit, TrialFilm } from './make-film.ts';

const TASKSET = '/usr/bin/taskset';
const ENTRY = join(import.meta.dirname, 'film-process.ts');

/** Makes all films on `count` processes, each given the next order when it is free; the films in the order of the orders. */
export async function makeFilms(
  kit: Kit,
  orders: readonly FilmOrder[],
  count: number,
  onFilm: (done: number) => void,
): Promise<readonly TrialFilm[]> {
  const films: TrialFilm[] = [];
  const left = [...orders];
  let done = 0;
  const started = Math.min(count, orders.length);
  const work = (index: number) =>
    new Promise<void>((resolve, reject) => {
      const child = fork(ENTRY, { serialization: 'advanced', ...ownCores(index, started) });
      const next = () => {
        const order = left.shift();
        if (order !== undefined) child.send(order);
        else child.disconnect();
      };
      child.on('message', ({ id, film }: { readonly id: number; readonly film: TrialFilm }) => {
        films[id] = film;
        done++;
        onFilm(done);
        next();
      });
      child.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`a process that made films ended with ${code}`)),
      );
      child.send({ kit });
      next();
    });
  await Promise.all(Array.from({ length: started }, (_, index) => work(index)));
  return films;
}

/** Cores that no other process uses, where the system can be asked for that: runtimes start as many threads as they see cores. */
function ownCores(index: number, count: number): ForkOptions {
  const allowed = existsSync(TASKSET) && count > 1 ? allowedCores() : [];
  const share = Math.floor(allowed.length / count);
  if (share === 0) return {};
  const cores = allowed.slice(index * share, (index + 1) * share).join();
  return { execPath: TASKSET, execArgv: ['-c', cores, process.execPath] };
}

function allowedCores(): readonly number[] {
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
