/**
 * The record beside a film, `video.json`: what the film was made of and which files are ours, so that no run replaces the film
 * of another spec, or a file of somebody else. Pure.
 */

import type { JobSpec } from '#contract/job-spec.ts';
import type { Film, FilmPrecision } from '#contract/result.ts';

/** What stands in `video.json`. */
export interface FilmRecord {
  readonly generator: 'dualparal';
  /** All that the film's bytes depend on ({@link filmIdentity}). */
  readonly of: unknown;
  readonly film?: Film;
  /** The finished blocks of a run that did not reach its end. */
  readonly partial?: Film;
  /** Digests (SHA-256) of our files, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Our files are being written: none of them has its digest here yet. */
  readonly publishing?: true;
}

export const RECORD_FILE = 'video.json';

/**
 * What decides a film's pictures: not where it goes, nor on how many devices it is made. `precision`: the number formats of the
 * run, without which `auto` stays undecided; `noise`: digest of a noise file.
 */
export function filmIdentity(spec: JobSpec, precision?: FilmPrecision, noise?: string): unknown {
  const {
    output: _output,
    checkpoint: _checkpoint,
    contractVersion: _version,
    parallelism,
    sampling,
    decoding,
    ...rest
  } = spec;
  const { gpus: _gpus, minGpus: _least, ...blocks } = parallelism;
  return {
    ...rest,
    sampling: { ...sampling, precision: precision?.sampling ?? sampling.precision },
    decoding: { ...decoding, precision: precision?.decoding ?? decoding.precision },
    parallelism: blocks,
    ...(noise === undefined ? {} : { noise }),
  };
}

/** A record from its file: undefined for text that is none of ours. */
export function parseRecord(text: string): FilmRecord | undefined {
  try {
    const record = JSON.parse(text) as FilmRecord;
    const isOurs = record?.generator === 'dualparal' && typeof record.files === 'object' && record.files !== null;
    return isOurs ? record : undefined;
  } catch {
    return undefined;
  }
}

/** A record as it is stored. */
export function recordBytes(record: FilmRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

const MOST_CHARACTERS = 40;

/**
 * What a film was made with whose record does not say it, since it could not be chosen yet: fixed for good, whatever the default is
 * by now.
 */
const UNSAID: ReadonlyMap<string, string> = new Map([
  ['sampling.precision', '"float32"'],
  ['decoding.precision', '"float32"'],
  ['parallelism.stride', '1'],
  ['parallelism.leftContext', '"recompute"'],
  ['parallelism.guidanceParallel', 'false'],
]);
const PRECISIONS: ReadonlySet<string> = new Set(['sampling.precision', 'decoding.precision']);
/** Any format is what was asked for. */
const UNDECIDED = '"auto"';

/** Where two films differ, in words: `seed (42 there, 7 here)`. Empty where they do not. */
export function differences(there: unknown, here: unknown): readonly string[] {
  const [old, now] = [flatten(there), flatten(here)];
  const said = (leaves: Map<string, string>, path: string) => leaves.get(path) ?? UNSAID.get(path);
  const differ = (path: string) => {
    const [before, after] = [said(old, path), said(now, path)];
    if (PRECISIONS.has(path) && (before === UNDECIDED || after === UNDECIDED)) return false;
    return before !== after;
  };
  const paths = [...new Set([...old.keys(), ...now.keys()])].filter(differ);
  return paths.map((path) => `${path} (${shown(said(old, path))} there, ${shown(said(now, path))} here)`);
}

/** Leaves of a JSON value by their path; the order of fields does not count. */
function flatten(value: unknown, path = ''): Map<string, string> {
  if (value === undefined) return new Map();
  if (typeof value !== 'object' || value === null) return new Map([[path, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([name, inner]) => [...flatten(inner, path === '' ? name : `${path}.${name}`)]),
  );
}

function shown(leaf: string | undefined): string {
  if (leaf === undefined) return 'nothing';
  return leaf.length > MOST_CHARACTERS ? `${leaf.slice(0, MOST_CHARACTERS)}…` : leaf;
}
