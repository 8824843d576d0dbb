import { appendFileSync, readFileSync } from 'node:fs';

/** Where memory lies: on a device, by its number, or in this process. */
export type Place = number | 'host';

/** A copy by whose memory it is from and to: made by the runtime's provider or by the runner itself; rows are many pieces in one copy, a hop is fetched from the stage before, samples from the last stage. */
export interface Copied {
  readonly by: 'provider' | 'ours';
  readonly how: 'copy' | 'rows' | 'hop' | 'samples';
  readonly from: Place;
  readonly to: Place;
  readonly bytes: number;
}

const HOST = -1;

/** Appends a copy to a log that processes and threads share; `count-copies.c` writes the same lines. */
export function logCopy(log: string, { by, how, from, to, bytes }: Copied): void {
  const number = (place: Place) => (place === 'host' ? HOST : place);
  appendFileSync(log, `${by} ${how} ${number(from)} ${number(to)} ${bytes}\n`);
}

export function readCopies(log: string): readonly Copied[] {
  const place = (word: string): Place => (Number(word) === HOST ? 'host' : Number(word));
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [by, how, from, to, bytes] = line.split(' ') as [Copied['by'], Copied['how'], string, string, string];
    return { by, how, from: place(from), to: place(to), bytes: Number(bytes) };
  });
}

/** Number and bytes of copies, by what they are. */
export type CopyCounts = Readonly<Record<string, { readonly count: number; readonly bytes: number }>>;

/** Counts copies by their way, such as `toHost` or `rows within` (a device). */
export function countCopies(copies: readonly Copied[]): CopyCounts {
  const counts: Record<string, { count: number; bytes: number }> = {};
  // That there were none is a figure too.
  for (const way of ['toDevice', 'toHost', 'within']) counts[way] = { count: 0, bytes: 0 };
  for (const copy of copies) {
    const name = copy.how === 'copy' ? wayOf(copy) : `${copy.how} ${wayOf(copy)}`;
    counts[name] ??= { count: 0, bytes: 0 };
    counts[name].count++;
    counts[name].bytes += copy.bytes;
  }
  return counts;
}

function wayOf({ from, to }: Copied): string {
  if (from === to) return from === 'host' ? 'within the host' : 'within';
  if (from === 'host') return 'toDevice';
  return to === 'host' ? 'toHost' : 'between devices';
}

/** How many more `more` has than `less`, each divided by `share`. */
export function lessCopies(more: CopyCounts, less: CopyCounts, share = 1): CopyCounts {
  const none = { count: 0, bytes: 0 };
  const names = [...new Set([...Object.keys(more), ...Object.keys(less)])];
  return Object.fromEntries(
    names.map((name) => {
      const [a, b] = [more[name] ?? none, less[name] ?? none];
      return [name, { count: (a.count - b.count) / share, bytes: (a.bytes - b.bytes) / share }];
    }),
  );
}
