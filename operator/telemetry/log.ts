import { pino } from 'pino';

/** The operator's log: one JSON object a line, on standard output. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Keys that lines may carry, so that they can be searched. */
export interface LogFields {
  /** `namespace/name` of a VideoGeneration. */
  readonly film?: string;
  /** Number of the Job of that film. */
  readonly attempt?: number;
  /** What has happened: the reason of the event that says it. */
  readonly reason?: string;
  /** Kind of objects that a watch is about. */
  readonly watch?: string;
  readonly part?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly seconds?: number;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export function createLog(level: (typeof LOG_LEVELS)[number]): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
