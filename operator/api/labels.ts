/** Names that objects carry: the API group, labels, annotations and field owners. */
export const GROUP = 'dualparal.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = 'VideoGeneration';
export const PLURAL = 'videogenerations';
export const SHORT_NAME = 'vg';

/** Name of the resource that a Job, pod or ConfigMap belongs to; `kubectl logs -l dualparal.io/video-generation=NAME` works. */
export const LABEL_RESOURCE = `${GROUP}/video-generation`;
/** Number of the Job of its resource: 1, 2, … */
export const LABEL_ATTEMPT = `${GROUP}/attempt`;
/** Generation of the resource that the Job was made from. */
export const ANNOTATION_GENERATION = `${GROUP}/generation`;

/** Field owner of everything that the operator writes. */
export const FIELD_OWNER = 'dualparal-operator';
/** Audience of the tokens with which runners report; such a token is worth nothing at the API server. */
export const PROGRESS_AUDIENCE = 'dualparal-progress';

/** Container of the pod that makes the film. */
export const RUNNER_CONTAINER = 'runner';

/** Labels of every object that belongs to one Job of one resource. */
export function childLabels(resource: string, attempt: number): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'dualparal',
    'app.kubernetes.io/component': 'runner',
    'app.kubernetes.io/managed-by': FIELD_OWNER,
    [LABEL_RESOURCE]: resource,
    [LABEL_ATTEMPT]: String(attempt),
  };
}
