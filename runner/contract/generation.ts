import { z } from 'zod';
import {
  checkpointField,
  decodingField,
  FRAME_TOLERANCE,
  fpsField,
  framesField,
  framesOfSeconds,
  type JobSpec,
  MAX_FRAMES,
  parallelismField,
  samplingField,
  seedField,
  sizeField,
} from './job-spec.ts';
import { negativePromptField, promptField } from './prompt-field.ts';
import { type Rule, ruled } from './rule.ts';
import { CONTRACT_VERSION } from './version.ts';

const lengthField = ruled(
  z.object({
    frames: framesField.optional(),
    seconds: z
      .number()
      .positive()
      .max(62_500)
      .optional()
      .describe('Playing time in seconds, rounded up to the next 4k + 1 frames.'),
  }),
  {
    rule: 'has(self.frames) != has(self.seconds)',
    holds: ({ frames, seconds }) => (frames === undefined) !== (seconds === undefined),
    message: 'exactly one of frames and seconds must be given',
  },
).describe('Length of the film: exactly one of frames and seconds.');

export const modelRefField = z
  .string()
  .min(1)
  .max(253)
  .describe('Name of the model. A command without a cluster looks it up among the models of its machine.');

/** The part of `spec` that says what to make. The resource adds to it what only a cluster has. */
export const generationShape = {
  prompt: promptField,
  negativePrompt: negativePromptField,
  seed: seedField,
  length: lengthField,
  size: sizeField.prefault({}),
  fps: fpsField,
  sampling: samplingField.prefault({}),
  parallelism: parallelismField.prefault({}),
  decoding: decodingField.prefault({}),
  checkpoint: checkpointField.optional(),
};

type Fields = { readonly [K in keyof typeof generationShape]: z.output<(typeof generationShape)[K]> };
/** What is left out has its defaults in the runner. */
type Shape = Omit<Fields, 'checkpoint'> & { readonly checkpoint?: Fields['checkpoint'] | undefined };

/** What a spec says about the film, checked and with its defaults; a resource's spec holds it too. */
export interface Generation extends Shape {
  readonly model: { readonly ref: string };
  readonly output: { readonly formats: JobSpec['output']['formats'] };
}

/** The length as frames, and as no more of them than a film may have. */
export const lengthRule: Rule<Pick<Generation, 'length' | 'fps'>> = {
  rule: `!has(self.length.seconds) || self.length.seconds * double(self.fps) <= ${MAX_FRAMES + FRAME_TOLERANCE}`,
  holds: ({ length, fps }) => length.seconds === undefined || length.seconds * fps <= MAX_FRAMES + FRAME_TOLERANCE,
  message: `times fps must be at most ${MAX_FRAMES} frames`,
  fieldPath: '.length.seconds',
};

/**
 * Two branches to share the devices between, as far as the spec alone can tell: of a model's experts and of an interval without
 * steps it knows nothing.
 */
export const guidedRule: Rule<Pick<Generation, 'sampling' | 'parallelism'>> = {
  rule: '!self.parallelism.guidanceParallel || self.sampling.guidanceScale > 1.0 || (has(self.sampling.guidanceScale2) && self.sampling.guidanceScale2 > 1.0)',
  holds: ({ sampling: { guidanceScale, guidanceScale2 = guidanceScale }, parallelism }) =>
    !parallelism.guidanceParallel || guidanceScale > 1 || guidanceScale2 > 1,
  message: 'must be false without guidance, which needs sampling.guidanceScale above 1',
  fieldPath: '.parallelism.guidanceParallel',
};

/** Frames of the film, however its length is given. */
export function framesOf({ length, fps }: Pick<Generation, 'length' | 'fps'>): number {
  return length.frames ?? framesOfSeconds(length.seconds ?? 0, fps);
}

/** Folders that a job spec needs beside what a spec says; both as the runner's machine sees them. */
export interface JobFolders {
  readonly modelFolder: string;
  readonly outputFolder: string;
  /** Of earlier attempts at the film, the latest first. */
  readonly earlierFolders?: readonly string[];
}

/** The job spec that a checked description and the machine's folders make. */
export function jobSpecOf(name: string, generation: Generation, folders: JobFolders): JobSpec {
  const { prompt, negativePrompt, seed, size, fps, model, sampling, decoding, output } = generation;
  // Whoever makes the job has decided how many devices it takes.
  const { minGpus: _least, ...parallelism } = generation.parallelism;
  const { checkpoint } = generation;
  const { earlierFolders } = folders;
  return {
    contractVersion: CONTRACT_VERSION,
    name,
    prompt,
    negativePrompt,
    seed,
    frames: framesOf(generation),
    size,
    fps,
    model: { ref: model.ref, folder: folders.modelFolder },
    sampling,
    parallelism,
    decoding,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    output: {
      folder: folders.outputFolder,
      ...(earlierFolders === undefined ? {} : { earlier: [...earlierFolders] }),
      formats: output.formats,
    },
  };
}
