import { EXITS, type ExitName } from './exit.ts';

/** Who can make the error go away: the person who wrote the manifest, the one who runs the cluster, or we. */
export type Fixer = 'user' | 'administrator' | 'developer';

/** One row of a room's error table. `message` may hold `{name}` places that the thrower fills. */
export interface ErrorDefinition {
  readonly message: string;
  readonly fixer: Fixer;
  readonly exit: ExitName;
  /** What is missing may still be on its way: an attempt that finds it so is made again. */
  readonly notYet?: true;
}

/** Values for the places of a message; all are printed as they are. */
export type ErrorValues = Readonly<Record<string, string | number>>;

/** An expected failure: a stable code, a one-line message and the exit that belongs to it. Surfaced unchanged in status, CLI and logs. */
export class CodedError extends Error {
  readonly code: string;
  readonly fixer: Fixer;
  readonly exit: ExitName;
  readonly notYet?: true;

  constructor(code: string, definition: ErrorDefinition, values: ErrorValues, cause?: unknown) {
    super(fillTemplate(definition.message, values), cause === undefined ? undefined : { cause });
    this.name = 'CodedError';
    this.code = code;
    this.fixer = definition.fixer;
    this.exit = definition.exit;
    if (definition.notYet) this.notYet = true;
  }
}

/** Plain form of an error, as it travels between threads, in the result record and in `--json` output. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly fixer: Fixer;
  readonly exit: ExitName;
  readonly notYet?: true;
}

/**
 * Makes the function that builds a room's errors from its table.
 * Example: `const weightsError = defineErrors({E_WEIGHTS_MISSING: {…}}); throw weightsError('E_WEIGHTS_MISSING', {file})`.
 */
export function defineErrors<const T extends Readonly<Record<string, ErrorDefinition>>>(table: T) {
  return (code: keyof T & string, values: ErrorValues = {}, cause?: unknown): CodedError =>
    new CodedError(code, table[code] as ErrorDefinition, values, cause);
}

const UNEXPECTED: ErrorDefinition = {
  message: 'unexpected failure: {detail} (please report it)',
  fixer: 'developer',
  exit: 'internal',
};

/** Any thrown value as a record: coded errors as they are, everything else as `E_INTERNAL` with its one-line text. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof CodedError) {
    const { code, message, fixer, exit } = error;
    return { code, message, fixer, exit, ...(error.notYet ? { notYet: true } : {}) };
  }
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return toErrorRecord(new CodedError('E_INTERNAL', UNEXPECTED, { detail: oneLine(detail) }, error));
}

/** The error that a record describes, for instance one that came from another thread. */
export function fromErrorRecord(record: ErrorRecord): CodedError {
  return new CodedError(record.code, { ...record, message: '{text}' }, { text: record.message });
}

/** The same error with the place where it happened said first: "stage 2 (layers 4–5): out of memory …". */
export function atPlace(place: string, record: ErrorRecord): CodedError {
  return new CodedError(record.code, { ...record, message: '{place}: {text}' }, { place, text: record.message });
}

/** The same error about a model that may still be on its way: an attempt that finds it so is made again. */
export function notYet({ code, message, fixer, exit, cause }: CodedError): CodedError {
  return new CodedError(code, { message: '{text}', fixer, exit, notYet: true }, { text: message }, cause);
}

/** Exit code that belongs to any thrown value. */
export function exitCodeOf(error: unknown): number {
  return EXITS[toErrorRecord(error).exit].code;
}

/** Exit code for whoever makes attempts: it tells what is not there yet from what no other try can mend. */
export function attemptExitCodeOf(error: unknown): number {
  const { exit, notYet: isNotYet } = toErrorRecord(error);
  return EXITS[isNotYet ? 'absent' : exit].code;
}

function fillTemplate(template: string, values: ErrorValues): string {
  return oneLine(template.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place)));
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ').trim();
}
