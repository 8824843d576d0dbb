import { z } from 'zod';
import { DECODING_PRECISIONS, SAMPLING_PRECISIONS } from './job-spec.ts';
import { checkpointRecordSchema, resumedFromSchema } from './progress.ts';
import { CONTRACT_VERSION } from './version.ts';

/** Kubernetes keeps at most this many bytes of a container's termination message. */
export const RESULT_LIMIT_BYTES = 4096;

/** Number formats that a film was computed in: those of the model and of the video decoder. `auto` never stands here. */
export const filmPrecisionSchema = z.object({
  sampling: z.enum(SAMPLING_PRECISIONS).exclude(['auto']),
  decoding: z.enum(DECODING_PRECISIONS).exclude(['auto']),
});
export type FilmPrecision = Readonly<z.output<typeof filmPrecisionSchema>>;

/** The finished film. `location` is a path or URI; `seconds` its playing time. `precision` is absent in records of before it could be chosen. */
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
  precision: filmPrecisionSchema.optional(),
});
export type Film = Readonly<z.output<typeof filmSchema>>;

/** Error as the result carries it (see `error.ts`). */
export const errorRecordSchema = z.object({
  code: z.string(),
  message: z.string(),
  fixer: z.enum(['user', 'administrator', 'developer']),
  exit: z.string(),
});

const share = z.number().min(0);

/** What the finished film's own pixels say of it. Figures that could not be measured are absent. */
export const qualitySchema = z.object({
  /** Where blocks follow one another, against the inside of blocks; for films of several blocks. */
  joins: z
    .object({
      count: z.int().min(1),
      /** Change of the picture at joins as a multiple of that inside: mean against mean, greatest against greatest. */
      seamRatio: share,
      worstSeam: share,
      /** Share of the joins, and of the latents inside, through which motion goes on; absent where nothing moves. */
      continuity: share.optional(),
      continuityInside: share.optional(),
    })
    .optional(),
  /** The quarter farthest from the first: distance of mean colours in levels of 0 … 255; ratios of contrast and sharpness. */
  drift: z.object({ colour: share, contrast: share, sharpness: share }),
  /** How much more than its neighbours a picture resembles the one a block earlier: 0 not at all, 1 it is the same. */
  repetition: share.optional(),
  /** There is next to nothing to see in a quarter, or it lost or doubled what the first one had. */
  collapsed: z.boolean(),
  /** Shares of frames (step: from frame to frame) that are as the prompt wants them, where its words are the model's own. */
  prompt: z
    .object({
      background: share,
      colour: share,
      shape: share,
      size: share,
      step: share,
      direction: z.boolean().optional(),
      right: z.boolean(),
    })
    .optional(),
});
export type Quality = Readonly<z.output<typeof qualitySchema>>;

/** What the film took, from its plan; absent where an earlier run had made it, and in records of before it was told. */
const workSchema = z.object({
  iterations: z.int().min(0),
  blocks: z.int().min(0),
  blockSteps: z.int().min(0),
});
export type Work = Readonly<z.output<typeof workSchema>>;

/** What a run leaves behind: a film, or the reason why there is none and what was finished by then. */
export const resultSchema = z.object({
  contractVersion: z.literal(CONTRACT_VERSION),
  outcome: z.enum(['succeeded', 'failed', 'stopped']),
  film: filmSchema.optional(),
  /** The finished blocks of a run that failed or was stopped, as a film that can be played. */
  partial: filmSchema.optional(),
  quality: qualitySchema.optional(),
  error: errorRecordSchema.optional(),
  work: workSchema.optional(),
  framesReady: z.int().min(0),
  elapsedSeconds: z.number().min(0),
  /** Iterations done; absent where denoising had not begun, and in records of before it was told. So are those below. */
  iteration: z.int().min(0).optional(),
  resumedFrom: resumedFromSchema.optional(),
  /** The one that another run can go on from. */
  checkpoint: checkpointRecordSchema.optional(),
  warnings: z.array(z.string()).optional(),
});
export type Result = Readonly<z.output<typeof resultSchema>>;

/** The record as JSON within {@link RESULT_LIMIT_BYTES}: warnings go first, then the quality, then the error's text is cut. */
export function resultJson(result: Result): string {
  const { warnings: _warnings, ...quiet } = result;
  const { quality: _quality, ...bare } = quiet;
  const text = [result, quiet].map((record) => JSON.stringify(record)).find(fits) ?? JSON.stringify(bare);
  if (fits(text) || bare.error === undefined) return text;
  const message = Buffer.from(bare.error.message).subarray(0, 1024).toString('utf8');
  return JSON.stringify({ ...bare, error: { ...bare.error, message: `${message}…` } });
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= RESULT_LIMIT_BYTES;
}
