import type { Row } from './part.ts';

/** What came of a part's process. */
export interface PartReport {
  readonly seconds: number;
  /** {@link ENDED}, or what came instead: an exit code, a signal, the time limit. */
  readonly end: string;
  /** Why the part was not begun, where that is no failure. */
  readonly notRun?: string;
  readonly rows: readonly Row[];
  /** The last lines of the process's other output, where it did not end well. */
  readonly output?: string;
}

/** The end of a process that has done all it was to do. */
export const ENDED = 'ended';

/** A part that was asked for; `judges`: one of its rows at least says whether it holds. */
export interface ExpectedPart {
  readonly name: string;
  readonly judges: boolean;
}

/** What all parts together say. */
export interface Verdict {
  readonly holds: boolean;
  /** Rows that say what is wanted, and that it is so. */
  readonly held: number;
  /** What does not hold, failed, or is missing; each with its part's name. */
  readonly failures: readonly string[];
  /** What could not be measured here, and why; it is no failure. */
  readonly notRun: readonly string[];
}

/** Judges the parts asked for by what was reported so far: a part without a report is missing. `problem`: why none was begun. */
export function verdictOf(
  expected: readonly ExpectedPart[],
  reports: Readonly<Record<string, PartReport>>,
  problem?: string,
): Verdict {
  const words = expected.map((part) => wordsOf(part, reports[part.name]));
  const held = words.reduce((sum, each) => sum + each.held, 0);
  const found = [...(problem === undefined ? [] : [problem]), ...words.flatMap((each) => each.failures)];
  const failures = found.length === 0 && held === 0 ? [NOTHING_HELD] : found;
  return {
    holds: failures.length === 0,
    held,
    failures,
    notRun: words.flatMap((each) => each.notRun),
  };
}

/** What was asked for may all have been impossible here: then nothing is proven. */
const NOTHING_HELD = 'no row of any part says that something holds';

type Words = Pick<Verdict, 'held' | 'failures' | 'notRun'>;

function wordsOf({ name, judges }: ExpectedPart, report: PartReport | undefined): Words {
  if (report === undefined) return { held: 0, failures: [`${name}: missing`], notRun: [] };
  const { end, rows, notRun } = report;
  if (notRun !== undefined) return { held: 0, failures: [], notRun: [`${name}: ${notRun}`] };
  const held = rows.filter(({ holds }) => holds === true).length;
  const unmeasured = rows.filter((row) => row.notRun !== undefined);
  const isMute = ({ holds, error, notRun: unmeasurable }: Row) => (holds ?? error ?? unmeasurable) === undefined;
  const isSilent = rows.length === 0 || (judges && rows.every(isMute));
  const failures = [
    ...(end === ENDED ? [] : [end]),
    ...rows.flatMap(failureOf),
    ...(end === ENDED && isSilent ? ['nothing was judged'] : []),
  ];
  return {
    held,
    failures: failures.map((failure) => `${name}: ${failure}`),
    notRun: unmeasured.map((row) => `${name}: ${row.notRun}`),
  };
}

const LONGEST = 300;

function failureOf({ name, error, holds, wanted, ratio, relative }: Row): readonly string[] {
  if (error !== undefined) return [`${name}: ${error.slice(0, LONGEST)}`];
  if (holds === undefined || holds === true) return [];
  if (holds !== false) return [`${name}: does not say whether it holds, but ${JSON.stringify(holds)}`];
  const figures = Object.entries({ ratio, 'relative error': relative }).filter(([, figure]) => figure !== undefined);
  const found = figures.map(([what, figure]) => `; ${what} ${figure === null ? 'no number' : figure}`).join('');
  return [`${name}: does not hold; wanted: ${wanted ?? 'not said'}${found}`];
}

/** The verdict as a person reads it, its worst first. */
export function verdictLines({ holds, held, failures, notRun }: Verdict): readonly string[] {
  return [
    ...failures.map((failure) => `FAILED   ${failure}`),
    ...notRun.map((reason) => `not run: ${reason}`),
    `${held} held, ${failures.length} failed, ${notRun.length} not run: ${holds ? 'the proof holds' : 'the proof does not hold'}`,
  ];
}

/** Rows as a part's process wrote them, one JSON object a line; the last may have been cut off with its process. */
export function rowsIn(text: string): readonly Row[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Row => {
      try {
        return JSON.parse(line) as Row;
      } catch {
        return { name: 'a row', error: `cut off: ${line.slice(0, LONGEST)}` };
      }
    });
}
