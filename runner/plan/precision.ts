import type { JobSpec } from '#contract/job-spec.ts';
import type { FilmPrecision } from '#contract/result.ts';
import type { FloatName } from '../model/float-types.ts';
import { planError } from './errors.ts';

/** A device as far as number formats are concerned. */
export interface PrecisionDevice {
  readonly kind: 'cpu' | 'cuda';
  readonly name: string;
  /** Compute capability of a GPU, such as 9.0; the newest kind where absent. */
  readonly capability?: number;
}

/** What every film was computed in before it could be chosen. */
export const FLOAT32: FilmPrecision = { sampling: 'float32', decoding: 'float32' };

/** The oldest GPUs with arithmetic in bfloat16 (Ampere). */
const BFLOAT16_CAPABILITY = 8;

/**
 * The number formats of a run: what `sampling.precision` and `decoding.precision` say, with `auto` filled in. `stored`: the format
 * of the model's transformer; `devices`: those of the stages. Throws `E_PLAN_PRECISION` for a format that a device cannot compute in.
 */
export function resolvePrecision(
  { sampling, decoding }: Pick<JobSpec, 'sampling' | 'decoding'>,
  stored: FloatName,
  devices: readonly PrecisionDevice[],
): FilmPrecision {
  const onCuda = devices.some(({ kind }) => kind === 'cuda');
  const own = onCuda ? stored : 'float32';
  const found = sampling.precision === 'auto' ? own : sampling.precision;
  if (found === 'bfloat16') checkBfloat16(sampling.precision, devices);
  return { sampling: found, decoding: decoding.precision === 'auto' ? 'float32' : decoding.precision };
}

/** Compute capability that a film's number format needs of its GPUs; 0 where any will do. `stored`: as for {@link resolvePrecision}. */
export function leastCapability({ sampling: { precision } }: Pick<JobSpec, 'sampling'>, stored: FloatName): number {
  return (precision === 'auto' ? stored : precision) === 'bfloat16' ? BFLOAT16_CAPABILITY : 0;
}

function checkBfloat16(asked: string, devices: readonly PrecisionDevice[]): void {
  const said = asked === 'auto' ? 'auto, which for this model is bfloat16' : asked;
  for (const { kind, name, capability = BFLOAT16_CAPABILITY } of devices) {
    if (kind === 'cpu') {
      const why = 'the processor has no arithmetic for it';
      throw planError('E_PLAN_PRECISION', { said, device: name, why, instead: 'auto or float32' });
    }
    if (capability < BFLOAT16_CAPABILITY) {
      const why = `compute capability ${capability.toFixed(1)}, ${BFLOAT16_CAPABILITY.toFixed(1)} is needed`;
      throw planError('E_PLAN_PRECISION', { said, device: name, why, instead: 'float16 or float32' });
    }
  }
}

/** What somebody should know of the formats before the work begins. */
export function precisionWarnings(
  { sampling, decoding }: FilmPrecision,
  devices: readonly PrecisionDevice[],
): readonly string[] {
  if (devices.some(({ kind }) => kind === 'cuda')) return [];
  const fields = { 'sampling.precision': sampling, 'decoding.precision': decoding };
  return Object.entries(fields)
    .filter(([, format]) => format === 'float16')
    .map(
      ([field]) => `${field} float16 on the processor is float32 arithmetic on rounded numbers: no faster than float32`,
    );
}
