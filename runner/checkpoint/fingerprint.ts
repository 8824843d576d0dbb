import { differences } from '../output/record.ts';

/** All that the bits of a checkpoint depend on. */
export interface Fingerprint {
  /** What decides the film's pictures: the output room's identity of a film, as JSON. */
  readonly film: unknown;
  /** Digest of the model's files. */
  readonly model: string;
  /** What the plan has made of `auto`: iterations between two blocks. */
  readonly stride: number;
  /** Version of the program that computes. */
  readonly engine: string;
  /** Kind of the devices: another kind rounds otherwise. */
  readonly device: string;
}

/**
 * Where two fingerprints differ, in words that name the field. `film`: another film was asked for. `run`: the same one, which
 * would get other bits here.
 */
export interface FingerprintDifference {
  readonly of: 'film' | 'run';
  readonly fields: readonly string[];
}

const OF_THE_RUN = ['model', 'stride', 'engine', 'device'] as const;

/** Undefined where what one wrote the other may go on with. */
export function fingerprintDifference(there: Fingerprint, here: Fingerprint): FingerprintDifference | undefined {
  const film = differences(there.film, here.film);
  if (film.length > 0) return { of: 'film', fields: film };
  const run = OF_THE_RUN.filter((field) => there[field] !== here[field]);
  if (run.length === 0) return undefined;
  return { of: 'run', fields: run.map((field) => `${field} (${there[field]} there, ${here[field]} here)`) };
}
