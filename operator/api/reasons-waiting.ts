import type { ReasonRow } from './reason-row.ts';

/** Why a film waits: nothing of it runs, and it is not over. */
export const WAITING_REASONS = {
  InvalidSpec: {
    says: 'the spec is not valid: {problems}',
    when: 'the spec breaks a rule that the CRD cannot check, or was written under an older CRD; nothing has been started',
    fixer: 'user',
    todo: 'mend the fields that the message names',
    places: ['stuck'],
  },
  HostPathNotAllowed: {
    says: 'spec.model.source.hostPath is switched off in this cluster: use a claim or an image',
    when: 'the model is a folder of the node, and the operator was started without --allow-host-path',
    fixer: 'user',
    todo: 'take the model from a claim or an image, or ask the administrator for --allow-host-path true',
    places: ['stuck'],
  },
  JobRefused: {
    says: 'the API server refused Job {job}: {detail}',
    when: 'a call for a Job was refused by a quota, a right or an admission rule, or because the Job is invalid; it is asked again every 30 s',
    fixer: 'administrator',
    todo: 'free the quota, give the right or change the rule that the message names; if the Job is invalid, change the spec',
    places: ['waits', 'stuck'],
  },
  PodLeaving: {
    says: 'pod {pod} of Job {job} has not ended yet: the next attempt waits for its GPUs',
    when: 'a Job has ended or was deleted, and a pod of it still runs',
    fixer: 'administrator',
    todo: 'nothing, as a rule; if the node is lost for good, delete the Node or the pod by force',
    places: ['waits'],
  },
  JobOutdated: {
    says: 'Job {job} was made for another film than the spec says now: it is deleted, and the next attempt waits for its GPUs',
    when: 'the status, which holds the spec of a film at work fast, was taken away, and the spec was changed before it came back',
    fixer: 'nobody',
    todo: 'nothing: the next attempt makes what the spec says',
    places: ['waits'],
  },
  JobLeaving: {
    says: 'Job {job} is being deleted and has no pod{detail}',
    when: 'a Job that has not ended is being deleted, and somebody has still to let it go',
    fixer: 'administrator',
    todo: 'nothing, as a rule; the next attempt starts when the Job is gone. If it stays, whoever set the finalizers that the message names has to take them off',
    places: ['waits'],
  },
  WaitingForPod: {
    says: 'Job {job} has not made its pod yet',
    when: 'a Job was just made, or its pod ended and the next is not there yet',
    fixer: 'nobody',
    todo: 'nothing; if it lasts, look whether the Job controller of the cluster is at work',
    places: ['waits'],
  },
  WaitingForScheduler: {
    says: 'pod {pod} waits for the scheduler',
    when: 'the pod exists, and the scheduler has not said anything of it yet',
    fixer: 'nobody',
    todo: 'nothing; if it lasts, look whether the scheduler of the cluster is at work',
    places: ['waits'],
  },
  PodRefused: {
    says: 'no pod can be made: {detail}',
    when: 'the Job controller was refused its pod: quota, admission, no such service account',
    fixer: 'administrator',
    todo: 'free the quota, or mend what the message names',
    places: ['waits'],
  },
  ContainerCreating: {
    says: 'node {node} is preparing pod {pod}: images and volumes',
    when: 'the pod has its node, and neither images nor volumes are complained of',
    fixer: 'nobody',
    todo: 'nothing: a large image takes minutes',
    places: ['prepares'],
  },
  RetryLater: {
    says: 'attempt {attempt} ended ({why}); the next one starts at {time}',
    when: 'an attempt has ended and may be repeated: 10 s after a disruption, 10 s to 5 min after failures',
    fixer: 'nobody',
    todo: 'nothing; what the last attempt ended with is in the message',
    places: ['waits'],
  },
  RunnerEnded: {
    says: 'the runner of pod {pod} has ended ({why}), and container {containers} has not: the pod is deleted',
    when: 'a container that somebody else has put into the pod goes on after the runner',
    fixer: 'administrator',
    todo: 'nothing, as a rule; put such containers into pods as sidecars of Kubernetes (init containers with restartPolicy Always), which end by themselves',
    places: ['prepares'],
  },
} as const satisfies Readonly<Record<string, ReasonRow>>;
