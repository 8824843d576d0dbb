import { gpusOfJob } from '../job/names.ts';
import { labelledKey } from './belongs.ts';
import { holdsGpus } from './pod-facts.ts';
import type { Sources } from './sources.ts';

/** GPUs of all pods that a node has been found for and that have not ended, by what they ask for, or else their films. */
export function gpusHeld({ pods, resources }: Pick<Sources, 'pods' | 'resources'>): number {
  let held = 0;
  for (const pod of pods.list()) {
    if (pod.spec?.nodeName === undefined || !holdsGpus(pod)) continue;
    held += gpusOfJob(pod) ?? gpusOf(resources.get(labelledKey(pod) ?? '')?.spec);
  }
  return held;
}

/** The API server fills the field in; a spec that was stored before it was there asks for none. */
function gpusOf(spec: unknown): number {
  const { parallelism } = (spec ?? {}) as { readonly parallelism?: { readonly gpus?: unknown } };
  return typeof parallelism?.gpus === 'number' ? parallelism.gpus : 0;
}
