import type { Value } from '../ort/value.ts';
import { modulationAt } from './layout.ts';
import type { Residence } from './residence.ts';
import type { StageTask } from './stage-task.ts';

/** The modulation of every step, where a stage's graphs read it: once on its device. */
export interface Modulation {
  /** `[1, 6, D]` per step, for the layers. */
  readonly layers: readonly Value[];
  /** `[1, D]` per step, for the head. */
  readonly head: readonly Value[];
}

/** Needs the shared tables to be filled. */
export function openModulation({ plan, shared, transformer }: StageTask, { put, part }: Residence): Modulation {
  const { width } = transformer;
  const table = new Float32Array(shared.modulation);
  const whole = put(table, 'F32', [table.length]);
  const steps = Array.from({ length: plan.sampling.steps }, (_, step) => modulationAt(width, step));
  return {
    layers: steps.map(({ layers }) => part(whole, 'F32', [1, 6, width], layers)),
    head: steps.map(({ head }) => part(whole, 'F32', [1, width], head)),
  };
}
