/** Names that objects carry: the API group, labels, annotations and field owners. */
export const GROUP = 'dualparal.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = 'VideoGeneration';
export const PLURAL = 'videogenerations';
export const SHORT_NAME = 'vg';
/** The kind as paths of the API server name it. */
export const VIDEO_GENERATIONS = { group: GROUP, version: VERSION, plural: PLURAL } as const;

/** Name of the resource that a Job, pod or ConfigMap belongs to; `kubectl logs -l dualparal.io/video-generation=NAME` works. */
export const LABEL_RESOURCE = `${GROUP}/video-generation`;
/** Uid of the Job that a pod was made by: the Job controller's own label, which stays when the owner is taken off. */
export const LABEL_JOB_UID = 'batch.kubernetes.io/controller-uid';
/** Number of the Job of its resource: 1, 2, … */
const LABEL_ATTEMPT = `${GROUP}/attempt`;
/** Generation of the resource that the Job was made from. */
export const ANNOTATION_GENERATION = `${GROUP}/generation`;
/** Hash of what the film is made from: a Job, its pods and its frozen spec carry the same one. */
export const ANNOTATION_SPEC_HASH = `${GROUP}/spec-hash`;

/** Name of the ConfigMap that the pods of a Job read. */
export const ANNOTATION_FROZEN = `${GROUP}/frozen-spec`;

/** GPUs that a Job and its pods ask for, where they are fewer than the spec wants. */
export const ANNOTATION_GPUS = `${GROUP}/gpus`;

/** Marks of the fields of `spec.runner` that a Job was made from. */
export const ANNOTATION_RUNNER = `${GROUP}/runner`;

/** LocalQueue of Kueue, on our resource and on its Jobs. */
export const LABEL_QUEUE = 'kueue.x-k8s.io/queue-name';
/** Class by which Kueue says who goes first, on our resource and on its Jobs. */
export const LABEL_QUEUE_PRIORITY = 'kueue.x-k8s.io/priority-class';

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
