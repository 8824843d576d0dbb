import type { BlockState } from './block-state.ts';

/** One step of one block with the model's velocity at its own latents, in place: x ← x + (σ' − σ) · v. Needs no history. */
export function flowEulerStep(state: BlockState, velocity: Float32Array, sigmas: Float32Array): void {
  const { x } = state;
  const change = sigmas[state.step + 1]! - sigmas[state.step]!;
  for (let index = 0; index < x.length; index++) x[index] = x[index]! + change * velocity[index]!;
  state.step++;
}
