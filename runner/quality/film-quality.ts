/**
 * Purpose of this folder: figures of a finished film's quality, from its pixels, one frame after another. No whole film is ever
 * held, no I/O, no clock. What a film shows is known to `tiny-world/` alone.
 *
 * This file: all measures of a film together.
 */
import type { Quality } from '#contract/result.ts';
import { createDrift, type Drift } from './drift.ts';
import { createJoins, type Joins } from './joins.ts';
import type { FilmAdherence, PromptJudge } from './prompt-judge.ts';
import { createRepetition } from './repetition.ts';
import { openThumbnails } from './thumbnail.ts';

/** A film to be measured. */
export interface FilmShape {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Latents of a block, for films of several. */
  readonly blockLatents: number;
}

/** All figures of a film. */
export interface FilmFigures {
  readonly joins: Joins | null;
  readonly drift: Drift;
  readonly repetition: number | null;
  readonly adherence: FilmAdherence | null;
}

/** Measures a film as its frames pass. */
export interface FilmMeasure {
  /** The next frame is the first of a block. */
  openBlock(): void;
  /** One or more whole frames, RGB24. */
  add(rgb: Uint8Array): void;
  result(): FilmFigures;
}

/** Measures a film; by its prompt, too, where there is a judge of it. */
export function measureFilm({ width, height, frames, blockLatents }: FilmShape, judge?: PromptJudge): FilmMeasure {
  const thumbnailOf = openThumbnails(width, height);
  const repetition = createRepetition(blockLatents);
  const joins = createJoins(repetition.add);
  const drift = createDrift(frames);
  const frameBytes = width * height * 3;

  return {
    openBlock() {
      joins.openBlock();
      judge?.openBlock();
    },
    add(rgb) {
      for (let start = 0; start < rgb.length; start += frameBytes) {
        const frame = rgb.subarray(start, start + frameBytes);
        const thumbnail = thumbnailOf(frame);
        joins.add(thumbnail);
        drift.add(thumbnail);
        judge?.add(frame);
      }
    },
    result() {
      const found = joins.result();
      return {
        joins: found,
        drift: drift.result(),
        repetition: found === null ? null : repetition.result(),
        adherence: judge?.result() ?? null,
      };
    },
  };
}

/** The figures as the result record carries them, rounded, without what could not be measured. */
export function qualityRecord({ joins, drift, repetition, adherence }: FilmFigures): Quality {
  return {
    ...(joins && { joins: joinsRecord(joins) }),
    drift: { colour: round(drift.colour), contrast: round(drift.contrast), sharpness: round(drift.sharpness) },
    ...(repetition !== null && { repetition: round(repetition) }),
    collapsed: drift.isCollapsed || adherence?.quarters.some(isEmptied) === true,
    ...(adherence && { prompt: promptRecord(adherence) }),
  };
}

function joinsRecord({ count, seamRatio, worstSeam, continuity, continuityInside }: Joins) {
  return {
    count,
    seamRatio: round(seamRatio),
    worstSeam: round(worstSeam),
    ...(continuity !== null && { continuity: round(continuity) }),
    ...(continuityInside !== null && { continuityInside: round(continuityInside) }),
  };
}

function promptRecord({ background, colour, shape, size, step, direction, isRight }: FilmAdherence) {
  return {
    background: round(background),
    colour: round(colour),
    shape: round(shape),
    size: round(size),
    step: round(step),
    ...(direction !== null && { direction }),
    right: isRight,
  };
}

/** Share of a quarter's frames that must hold an object. */
const LEAST_OBJECT = 0.9;

/** Whether the object of a quarter has gone. */
export function isEmptied({ object }: { readonly object: number }): boolean {
  return object < LEAST_OBJECT;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
