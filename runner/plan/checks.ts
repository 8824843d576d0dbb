import { planError } from './errors.ts';
import type { StageMemory } from './memory.ts';
import type { LayerSlice } from './slices.ts';

/** A device as the plan sees it. `memoryBytes` is null where memory is not the device's own (the CPU's virtual devices). */
export interface PlanDevice {
  readonly name: string;
  readonly memoryBytes: number | null;
}

/** Latents that Wan was trained on: 81 frames. Longer windows run, but look worse. */
export const TRAINED_LATENTS = 21;

/** Each stage needs a layer and a device of its own. Throws `E_PLAN_STAGES`, `E_PLAN_DEVICES`. */
export function checkStages(stages: number, layers: number, devices: number): void {
  if (stages > layers) throw planError('E_PLAN_STAGES', { stages, layers });
  if (stages > devices) throw planError('E_PLAN_DEVICES', { stages, devices });
}

/** A block with both contexts must fit the model's positions. Throws `E_PLAN_WINDOW`; warns past the trained length. */
export function checkWindow(blockLatents: number, contextLatents: number, maxPositions: number): readonly string[] {
  const found = blockLatents + 2 * contextLatents;
  const values = { found, block: blockLatents, context: contextLatents, wanted: maxPositions };
  if (found > maxPositions) throw planError('E_PLAN_WINDOW', values);
  if (found <= TRAINED_LATENTS) return [];
  return [
    `a block sees ${found} latents (blockLatents ${blockLatents} + 2 × contextLatents ${contextLatents}), Wan was trained on ${TRAINED_LATENTS}: expect a worse picture`,
  ];
}

/** Every stage must fit its device. Throws `E_PLAN_MEMORY` for the first that does not, with the missing number. */
export function checkMemory(
  memory: readonly StageMemory[],
  slices: readonly LayerSlice[],
  devices: readonly PlanDevice[],
): void {
  for (const [stage, { total }] of memory.entries()) {
    const { name: device, memoryBytes } = devices[stage]!;
    if (memoryBytes === null || total <= memoryBytes) continue;
    const { firstLayer: first, endLayer } = slices[stage]!;
    throw planError('E_PLAN_MEMORY', {
      stage,
      first,
      last: endLayer - 1,
      device,
      need: gibibytes(total),
      have: gibibytes(memoryBytes),
      missing: gibibytes(total - memoryBytes),
    });
  }
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
