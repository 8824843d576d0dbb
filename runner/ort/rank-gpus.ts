import type { Gpu } from './gpu.ts';

/** How finely free memory is told apart: equal cards differ by what the driver keeps on each. */
const STEPS = 32;

/**
 * Usable GPUs, those to be taken first in front: those that compute in the film's format (`leastCapability`, such as 8.0) before
 * others, then by free memory in steps of a 32nd of the most that any of them has, those that no process holds, and last their
 * number. Steps are counted from the most down, so that equal cards that nobody uses stay in the order of their numbers. A GPU whose
 * free memory nobody tells counts with half of its memory: it may be all free, or held, or lost.
 */
export function rankGpus(gpus: readonly Gpu[], leastCapability = 0): readonly Gpu[] {
  const most = Math.max(...gpus.map(likelyFree));
  const keyOf = (gpu: Gpu) => [
    capabilityOf(gpu) >= leastCapability ? 0 : 1,
    Math.floor(STEPS * (1 - likelyFree(gpu) / most)),
    (gpu.processes ?? []).length > 0 ? 1 : 0,
    gpu.index,
  ];
  return gpus
    .map((gpu) => ({ gpu, key: keyOf(gpu) }))
    .toSorted((a, b) => compare(a.key, b.key))
    .map(({ gpu }) => gpu);
}

/** Compute capability as one number: 9.0, 8.6. */
export function capabilityOf({ major, minor }: Pick<Gpu, 'major' | 'minor'>): number {
  return major + minor / 10;
}

function likelyFree({ freeBytes, totalBytes }: Gpu): number {
  return freeBytes ?? totalBytes / 2;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((part, at) => part !== b[at]);
  return differs === -1 ? 0 : a[differs]! - b[differs]!;
}
