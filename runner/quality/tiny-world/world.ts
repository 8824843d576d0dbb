/**
 * Purpose of this folder: judges a film by its prompt, for models whose films show one coloured shape that moves over a plain
 * background. Only `judge-prompt.ts` is meant for the rest of the runner.
 *
 * This file: what such a model knows. It travels with the model as `world.json`.
 */
import { z } from 'zod';
import { qualityError } from './errors.ts';
import { isShapeName } from './masks.ts';

const colour = z.tuple([z.number(), z.number(), z.number()]);

/** Limits of the judgement. Colours are 0 … 1 and their distances Euclidean. */
const limitsSchema = z.strictObject({
  /** A pixel this far from the background's colour belongs to the object. */
  objectDistance: z.number().positive(),
  /** The object's median colour must be nearer than this to the wanted one, whichever other colour it may resemble. */
  colour: z.number().positive(),
  background: z.number().positive(),
  /** Intersection over union with the best fitting mask. */
  overlap: z.number().min(0).max(1),
  /** Fewer are no object. */
  leastAreaPixels: z.int().min(1),
  /** What a step from frame to frame may differ from the wanted one. */
  stepPixels: z.number().positive(),
  /** A slower mean motion is none. */
  stillPixels: z.number().positive(),
});

const worldSchema = z.strictObject({
  /** Width and height of the picture, which is a torus: what leaves on one side enters on the other. */
  side: z.int().min(16).max(1024),
  speedPixelsPerFrame: z.int().min(1),
  /** Objects stand at multiples of it at every fourth frame. */
  gridPixels: z.int().min(1),
  /** The first one is meant where a prompt names none. */
  backgrounds: z.record(z.string(), colour),
  colours: z.record(z.string(), colour),
  /** Per shape its sizes, each with its extent in pixels; the first size is meant where a prompt names none. */
  shapes: z.record(z.string(), z.record(z.string(), z.number().positive())),
  /** Steps to the right and downwards in units of the speed. */
  directions: z.record(z.string(), z.tuple([z.int(), z.int()])),
  limits: limitsSchema,
  /** Prompts that the model's training never saw, each with its background. */
  heldOut: z.array(z.string()),
});

/** What a small model knows: the words of its prompts and what they mean in pixels. */
export type World = Readonly<z.output<typeof worldSchema>>;

/** Checks a parsed `world.json`. Throws `E_QUALITY_WORLD`. */
export function parseWorld(value: unknown): World {
  const parsed = worldSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw qualityError('E_QUALITY_WORLD', { reason: `${issue?.path.join('.')}: ${issue?.message}` });
  }
  const unknown = Object.keys(parsed.data.shapes).find((name) => !isShapeName(name));
  if (unknown !== undefined) throw qualityError('E_QUALITY_WORLD', { reason: `shapes.${unknown}: no such shape` });
  return parsed.data;
}
