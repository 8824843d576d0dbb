import type { Observed } from './observed.ts';
import { BY_LABEL, type Sources } from './sources.ts';
import { viewOf } from './view.ts';

/** Gathers what a decision about one resource depends on. Reads memory only; undefined if the resource is not known. */
export function observe(key: string, sources: Sources, hostPathAllowed: boolean): Observed | undefined {
  const object = sources.resources.get(key);
  if (object === undefined) return undefined;
  const found = { object, jobs: sources.jobs.by(BY_LABEL, key), pods: sources.pods.by(BY_LABEL, key), live: false };
  const seen = viewOf(found, sources, hostPathAllowed);
  return sources.resources.isNew(key) ? { ...seen, isNew: true } : seen;
}
