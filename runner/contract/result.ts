import { z } from 'zod';
import { CONTRACT_VERSION } from './version.ts';

/** Kubernetes keeps at most this many bytes of a container's termination message. */
export const RESULT_LIMIT_BYTES = 4096;

/** The finished film. `location` is a path or URI; `seconds` its playing time. */
export const filmSchema = z.object({
  location: z.string(),
  file: z.string(),
  frames: z.int().min(1),
  seconds: z.number().positive(),
  bytes: z.int().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  width: z.int(),
  height: z.int(),
  fps: z.number(),
  codec: z.string(),
});
export type Film = Readonly<z.output<typeof filmSchema>>;

/** Error as the result carries it (see `error.ts`). */
export const errorRecordSchema = z.object({
  code: z.string(),
  message: z.string(),
  fixer: z.enum(['user', 'administrator', 'developer']),
  exit: z.string(),
});

/** What a run leaves behind: a film or the reason why there is none. */
export const resultSchema = z.object({
  contractVersion: z.literal(CONTRACT_VERSION),
  outcome: z.enum(['succeeded', 'failed', 'stopped']),
  film: filmSchema.optional(),
  error: errorRecordSchema.optional(),
  framesReady: z.int().min(0),
  elapsedSeconds: z.number().min(0),
  warnings: z.array(z.string()).optional(),
});
export type Result = Readonly<z.output<typeof resultSchema>>;

/** The record as JSON within {@link RESULT_LIMIT_BYTES}: warnings go first, then the error's text is cut. */
export function resultJson(result: Result): string {
  const full = JSON.stringify(result);
  if (Buffer.byteLength(full) <= RESULT_LIMIT_BYTES) return full;
  const { warnings: _dropped, ...bare } = result;
  const text = JSON.stringify(bare);
  if (Buffer.byteLength(text) <= RESULT_LIMIT_BYTES || bare.error === undefined) return text;
  const message = Buffer.from(bare.error.message).subarray(0, 1024).toString('utf8');
  return JSON.stringify({ ...bare, error: { ...bare.error, message: `${message}…` } });
}
