import { type CodedError, fromErrorRecord, toErrorRecord } from '#contract/error.ts';
import { planError } from './errors.ts';
import { gibibytes } from './machine-memory.ts';

const WAY_ROUND = ' (to try it all the same: --ignore-memory, or DUALPARAL_IGNORE_MEMORY=1)';

/** Memory that something needs in one place, and what is there. */
export interface MemoryNeed {
  /** "this film", "stage 0 (layers 0–3)". */
  readonly what: string;
  readonly place: string;
  readonly need: number;
  readonly have: number;
  /** Of how much: " free of 23.54 GiB". */
  readonly of?: string;
}

/** What of a film's memory is not there: of several places the one where most is missing; undefined where all fits. */
export function shortage(needs: readonly MemoryNeed[]): MemoryNeed | undefined {
  const missing = (one: MemoryNeed) => one.need - one.have;
  return needs.filter((one) => missing(one) > 0).toSorted((a, b) => missing(b) - missing(a))[0];
}

/** Changes of the specification with which a film would fit; `isHeld`: only once nobody else holds memory of its GPUs. */
export interface Ways {
  readonly remedies: readonly string[];
  readonly isHeld: boolean;
}

/** The error of a shortage, with what there is to do. */
export function memoryError({ what, place, need, have, of = '' }: MemoryNeed, { remedies, isHeld }: Ways): CodedError {
  const held = isHeld ? 'once what others hold of the GPUs is free (E_DEVICE_HELD), ' : '';
  return planError('E_PLAN_MEMORY', {
    what,
    place,
    need: gibibytes(need),
    have: `${gibibytes(have)}${of}`,
    missing: gibibytes(need - have),
    remedy:
      remedies.length === 0
        ? 'nothing smaller was found that would'
        : `${held}it would fit with ${remedies.join(', or with ')}`,
  });
}

/** The error of a shortage with the way round it, for whoever has one. */
export function withWayRound(error: CodedError): CodedError {
  const record = toErrorRecord(error);
  return fromErrorRecord({ ...record, message: `${record.message}${WAY_ROUND}` });
}

/** Warnings of a film that is tried although its memory is not there; throws the first of the problems where it is not tried. */
export function triedAllTheSame(problems: readonly (CodedError | undefined)[], isTried: boolean): readonly string[] {
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0 && !isTried) throw found[0]!;
  return found.map(({ message }) => `it is tried all the same: ${message}`);
}
