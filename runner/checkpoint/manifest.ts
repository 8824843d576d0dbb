/**
 * Purpose of this folder: what of a run survives its process. After iteration k that is the states of the blocks in flight and the
 * clean latents of those that have left the queue; everything else is computed again, to the same bits.
 *
 * This file: what a checkpoint says of itself. Pure. Its data is written first, this last, so a manifest that can be read has all
 * that it names, unless that was damaged later.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Version of the format; a checkpoint of another one is passed over. */
export const FORMAT = 1;

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const stored = { bytes: count, sha256 };

const manifestSchema = z.strictObject({
  generator: z.literal('dualparal'),
  format: z.literal(FORMAT),
  writtenAt: z.string(),
  fingerprint: z.strictObject({
    film: z.unknown(),
    model: z.string(),
    stride: z.int().min(1),
    engine: z.string(),
    device: z.string(),
  }),
  iteration: count,
  iterations: count,
  /** Blocks that have drawn their noise. */
  noisePosition: count,
  /** States of the blocks in flight, oldest first and end to end in one file; `step` counts the steps done. */
  state: z.strictObject({ bytes: count, blocks: z.array(z.strictObject({ block: count, step: count, ...stored })) }),
  /** Clean latents of the blocks that have left the queue, in block order. */
  finished: z.array(z.strictObject({ latents: count, ...stored })),
  /** Encoded blocks, in block order. */
  segments: z.strictObject({
    encoder: z.string(),
    init: z.strictObject(stored).nullable(),
    blocks: z.array(z.strictObject({ frames: count, fragments: count, ...stored })),
  }),
});

/** A run after an iteration. */
export type Manifest = z.output<typeof manifestSchema>;
/** The clean latents of a block that has left the queue. */
export type FinishedEntry = Manifest['finished'][number];

/** Whether denoising begins anew: all that is left is what has left the queue. */
export function isKeptAlone({ iteration }: Pick<Manifest, 'iteration'>): boolean {
  return iteration < 0;
}

/** A manifest as it is stored: one line of JSON, and one with the digest of the first. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  const line = JSON.stringify(manifest);
  return Buffer.from(`${line}\n${digestOf(line)}\n`);
}

/** A manifest from its file, or why it is none. No byte of the file can be another without being found. */
export function parseManifest(bytes: Uint8Array): Manifest | { readonly reason: string } {
  const text = Buffer.from(bytes).toString('utf8');
  const end = text.indexOf('\n');
  const line = text.slice(0, Math.max(0, end));
  if (text !== `${line}\n${digestOf(line)}\n`) return { reason: 'its manifest is not as it was written' };
  const value = parseJson(line) as { readonly format?: unknown } | null | undefined;
  if (value?.format !== FORMAT) {
    return { reason: `its format is ${String(value?.format)}, this program writes ${FORMAT}` };
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  return { reason: `its manifest is strange: ${problem?.path.join('.')} ${problem?.message}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
