import type { RunnerFields } from '#contract/runner-fields.ts';
import { defined } from '../api/defined.ts';

/**
 * What a film says of its pod, above what the administrators say of every pod: a single value of the film replaces theirs, and so
 * do its affinity and its way to devices as a whole; a map (labels, annotations, resources) takes theirs where the film has no such
 * key, and to a list (taints, secrets) the film's are added. Neither is changed.
 */
export function withRunnerDefaults(film: RunnerFields, defaults: RunnerFields): RunnerFields {
  const requests = merged(defaults.resources?.requests, film.resources?.requests);
  const limits = merged(defaults.resources?.limits, film.resources?.limits);
  return defined({
    ...defaults,
    ...defined(film),
    resources: requests === undefined && limits === undefined ? undefined : defined({ requests, limits }),
    podLabels: merged(defaults.podLabels, film.podLabels),
    podAnnotations: merged(defaults.podAnnotations, film.podAnnotations),
    gpu: merged(defaults.gpu, film.gpu),
    nodeSelector: merged(defaults.nodeSelector, film.nodeSelector),
    tolerations: joined(defaults.tolerations, film.tolerations),
    topologySpreadConstraints: joined(defaults.topologySpreadConstraints, film.topologySpreadConstraints, (one) =>
      JSON.stringify([one.topologyKey, one.whenUnsatisfiable]),
    ),
    imagePullSecrets: joined(defaults.imagePullSecrets, film.imagePullSecrets),
  });
}

function merged<T extends object>(defaults: T | undefined, film: T | undefined): T | undefined {
  return defaults === undefined && film === undefined ? undefined : ({ ...defaults, ...film } as T);
}

/** Both lists, and nothing twice, for the API server would refuse it; of two with one identity the film's. */
function joined<T>(
  defaults: readonly T[] | undefined,
  film: readonly T[] | undefined,
  identity: (item: T) => string = JSON.stringify,
): T[] | undefined {
  if (defaults === undefined && film === undefined) return undefined;
  const items = [...(defaults ?? []), ...(film ?? [])];
  return [...new Map(items.map((item) => [identity(item), item])).values()];
}
