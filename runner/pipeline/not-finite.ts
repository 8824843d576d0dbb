import type { CodedError } from '#contract/error.ts';
import { addressOf } from '../ort/api.ts';
import { allFinite, allFiniteBytes, bytesPerElement } from '../tensor.ts';
import { pipelineError } from './errors.ts';
import { latentElements, slotsIn } from './layout.ts';
import { linesOf } from './line.ts';
import { slotPlaces } from './places.ts';
import type { Residence } from './residence.ts';
import { type StageTask, stageName } from './stage-task.ts';

/**
 * The error of a block-step that left numbers which are not finite, naming who made them: the earliest stage that has such
 * hidden states in the ring behind it. What is wrong with a stage is wrong with all its items, so it does not matter that the
 * stages before may be a few items ahead. Steps and blocks count from 0.
 */
export function notFinite(task: StageTask, block: number, step: number, residence: Residence): CodedError {
  return pipelineError('E_PIPELINE_NOT_FINITE', { where: whereFrom(task, residence), block, step });
}

function whereFrom({ plan, shared, dtype, transformer }: StageTask, { copies }: Residence): string {
  if (!allFinite(new Float32Array(shared.modulation))) return 'the timestep embedder (condition_embedder)';
  if (!allFiniteBytes(new Uint8Array(shared.prompts), dtype)) return "the prompt's embedder (condition_embedder)";
  /** The slots' bytes, which on CUDA have to be fetched first. */
  const slots = (memory: SharedArrayBuffer | null, bytesOfWindow: number): readonly Uint8Array[] => {
    if (memory === null) return [];
    if (copies === null) return slotsIn(memory, plan);
    // A stage that has not loaded yet has no slots.
    const places = [...slotPlaces(memory).addresses].filter((address) => address !== 0n);
    return places.map((address) => {
      const bytes = new Uint8Array(bytesOfWindow);
      copies.copy(address, addressOf(bytes), bytesOfWindow);
      return bytes;
    });
  };
  const hiddenBytes = plan.windowLatents * plan.tokensPerLatent * transformer.width * bytesPerElement(dtype);
  const first = shared.rings.findIndex((ring) => slots(ring, hiddenBytes).some((slot) => !allFiniteBytes(slot, dtype)));
  if (first >= 0) return stageName(plan, first);
  const lines = linesOf(plan);
  const velocities = slots(shared.velocities, plan.windowLatents * latentElements(plan) * bytesPerElement('F32'));
  const fromBranch1 = velocities.some((slot) => !allFiniteBytes(slot, 'F32'));
  return stageName(plan, lines[fromBranch1 ? 1 : 0]!.last);
}
