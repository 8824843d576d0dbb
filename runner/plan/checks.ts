import { planError } from './errors.ts';

/** Latents that Wan was trained on: 81 frames. Longer windows run, but look worse. */
export const TRAINED_LATENTS = 21;

/**
 * Each stage needs a device of its own, and each stage of a line a layer; with guidance in parallel there are two lines. Throws
 * `E_PLAN_STAGES`, `E_PLAN_DEVICES`.
 */
export function checkStages(stages: number, layers: number, lines: number, devices: number): void {
  const most = layers * lines;
  const through = lines > 1 ? ` in each of the ${lines} lines of guidanceParallel` : '';
  if (stages > most) throw planError('E_PLAN_STAGES', { stages, layers, lines: through, most });
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
