import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { JobSpec } from '#contract/job-spec.ts';
import type { Fingerprint } from './checkpoint/fingerprint.ts';
import type { Device } from './ort/device.ts';
import { filmIdentity } from './output/record.ts';
import type { PlanStage } from './plan/plan.ts';
import type { PreparedJob } from './prepare.ts';
import { sampledDigest } from './weights/sampled-digest.ts';

/** All that the bits of a job's checkpoints depend on. */
export function fingerprintOf(
  spec: JobSpec,
  { plan, model, devices, noiseDigest }: Pick<PreparedJob, 'plan' | 'model' | 'devices' | 'noiseDigest'>,
): Fingerprint {
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
    device: deviceIdentity(devices, plan.stages),
  };
}

/**
 * What of its devices a run's bits depend on: their kind, whatever their number. Kinds of GPUs have kernels of their own, so where a
 * run has several it is also which layers each computes.
 */
export function deviceIdentity(
  devices: readonly Pick<Device, 'kind' | 'capability'>[],
  stages: readonly Pick<PlanStage, 'firstLayer' | 'endLayer'>[],
): string {
  // Processors of another kind have other instructions, and sum in another order.
  if (devices[0]!.kind === 'cpu') return `cpu ${cpus()[0]?.model ?? 'unknown'}`;
  const kinds = stages.map((_, stage) => `${devices[stage]!.capability ?? 'of unknown capability'}`);
  if (new Set(kinds).size === 1) return `cuda ${kinds[0]}`;
  const parts = stages.map(
    ({ firstLayer, endLayer }, stage) => `layers ${firstLayer}–${endLayer - 1} on ${kinds[stage]}`,
  );
  return `cuda (${parts.join(', ')})`;
}

/** Two versions may compute other bits. */
function engineVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8');
  return `dualparal ${(JSON.parse(text) as { version: string }).version}`;
}
