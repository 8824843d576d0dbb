import { isEmptied } from '../../runner/quality/film-quality.ts';
import type { TrialFilm } from './make-film.ts';

/** Means over the films of one way; null where there is nothing to measure. */
export interface Summary {
  readonly films: number;
  readonly frames: number;
  /** Shares of frames. */
  readonly colour: number;
  readonly colourByQuarter: readonly number[];
  readonly shape: number;
  readonly background: number;
  /** Shares of films: with the wanted direction overall, and in every quarter. */
  readonly direction: number;
  readonly directionKept: number;
  /** Share of films right in nine tenths of everything. */
  readonly right: number;
  readonly seamRatio: number | null;
  readonly worstSeam: number | null;
  /** Share of all joins through which the object moves on. */
  readonly joinsKept: number | null;
  readonly colourDrift: number;
  readonly contrastDrift: number;
  readonly sharpnessDrift: number;
  readonly repetition: number | null;
  readonly collapsed: number;
  readonly processorSecondsPer100Frames: number;
}

/** Sums up the films of one way. Their prompts must have been judged. */
export function summarise(films: readonly TrialFilm[]): Summary {
  const judged = films.map(({ figures }) => figures.adherence!);
  const quarters = Math.min(...judged.map((film) => film.quarters.length));
  const joins = sum(judged.map((film) => film.joins));
  return {
    films: films.length,
    frames: films[0]?.frames ?? 0,
    colour: mean(judged.map((film) => film.colour)),
    colourByQuarter: Array.from({ length: quarters }, (_, at) => mean(judged.map((film) => film.quarters[at]!.colour))),
    shape: mean(judged.map((film) => film.shape)),
    background: mean(judged.map((film) => film.background)),
    direction: mean(judged.map((film) => Number(film.direction === true))),
    directionKept: mean(judged.map((film) => Number(film.quarters.every((quarter) => quarter.direction === true)))),
    right: mean(judged.map((film) => Number(film.isRight))),
    seamRatio: meanOf(films, ({ figures }) => figures.joins?.seamRatio),
    worstSeam: meanOf(films, ({ figures }) => figures.joins?.worstSeam),
    joinsKept: joins === 0 ? null : sum(judged.map((film) => film.joinsKept)) / joins,
    colourDrift: mean(films.map(({ figures }) => figures.drift.colour)),
    contrastDrift: mean(films.map(({ figures }) => departure(figures.drift.contrast))),
    sharpnessDrift: mean(films.map(({ figures }) => departure(figures.drift.sharpness))),
    repetition: meanOf(films, ({ figures }) => figures.repetition),
    collapsed: mean(films.map((film) => Number(isCollapsed(film)))),
    processorSecondsPer100Frames: mean(films.map(({ processorSeconds, frames }) => (100 * processorSeconds) / frames)),
  };
}

function isCollapsed({ figures }: TrialFilm): boolean {
  return figures.drift.isCollapsed || figures.adherence?.quarters.some(isEmptied) === true;
}

/** How far a ratio is from 1, in either direction: 0.25 for 1.25 and for 1 / 1.25. */
function departure(ratio: number): number {
  return Math.max(ratio, 1 / Math.max(ratio, 1e-6)) - 1;
}

function meanOf(films: readonly TrialFilm[], value: (film: TrialFilm) => number | null | undefined): number | null {
  const known = films.map(value).filter((number) => number !== null && number !== undefined);
  return known.length === 0 ? null : mean(known);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
