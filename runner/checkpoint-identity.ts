import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { JobSpec } from '#contract/job-spec.ts';
import type { Fingerprint } from './checkpoint/fingerprint.ts';
import { filmIdentity } from './output/record.ts';
import type { PreparedJob } from './prepare.ts';
import { sampledDigest } from './weights/sampled-digest.ts';

/** All that the bits of a job's checkpoints depend on. */
export function fingerprintOf(
  spec: JobSpec,
  { plan, model, devices, noiseDigest }: Pick<PreparedJob, 'plan' | 'model' | 'devices' | 'noiseDigest'>,
): Fingerprint {
  const { kind, capability } = devices[0]!;
  const { config, transformer, transformer2, vae, text } = model;
  const weights = sampledDigest([transformer, transformer2, vae, text]);
  const digest = createHash('sha256')
    .update(JSON.stringify([config, weights]))
    .digest('hex');
  return {
    // As it will be read from a manifest.
    film: JSON.parse(JSON.stringify(filmIdentity(spec, plan.precision, noiseDigest))),
    model: digest,
    stride: plan.stride,
    engine: engineVersion(),
    // Processors of another kind have other instructions, and sum in another order.
    device: kind === 'cuda' ? `cuda ${capability ?? 'of unknown capability'}` : `cpu ${cpus()[0]?.model ?? 'unknown'}`,
  };
}

/** Two versions may compute other bits. */
function engineVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8');
  return `dualparal ${(JSON.parse(text) as { version: string }).version}`;
}
