import { createHash } from 'node:crypto';
import { problemsOf } from '#contract/problems.ts';
import { specSchema } from '#contract/resource-spec.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { frozenSpec } from '../job/frozen-spec.ts';
import type { ResourceName } from '../job/names.ts';
import { type RunnerMarks, runnerMarks } from '../job/runner-marks.ts';
import type { Observed } from './observed.ts';

type Checked = Pick<Observed, 'spec' | 'specHash' | 'problems'> & {
  /** Of `spec.runner`, to compare Jobs with. */
  readonly marks?: RunnerMarks;
};

/** Objects in caches are never changed, so a spec is checked once and not in every round. */
const checked = new WeakMap<object, Checked>();

/** The spec of a resource, checked, with the hash of what the film is made from; or every problem of it. */
export function readSpec({ spec }: VideoGeneration, resource: ResourceName & { readonly generation: number }): Checked {
  if (typeof spec !== 'object' || spec === null) return check(spec, resource);
  const known = checked.get(spec);
  if (known !== undefined) return known;
  const fresh = check(spec, resource);
  checked.set(spec, fresh);
  return fresh;
}

function check(raw: unknown, resource: ResourceName & { readonly generation: number }): Checked {
  const parsed = specSchema.safeParse(raw);
  if (!parsed.success) return { spec: undefined, problems: problemsOf(parsed.error, raw, specSchema) };
  const spec = parsed.data;
  // The same for every attempt: the folder of the first stands for all. Inside the pod every claim has the same folder.
  const text = JSON.stringify([frozenSpec({ resource, spec, attempt: 1 }), spec.model, spec.output]);
  return {
    spec,
    specHash: createHash('sha256').update(text).digest('hex'),
    problems: [],
    marks: runnerMarks(spec.runner),
  };
}
