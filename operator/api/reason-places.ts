import { RUN_PHASES } from '#contract/progress.ts';
import type { ConditionType } from './conditions.ts';

/** A condition with the status that it has. */
export type Told = `${ConditionType}=${'True' | 'False'}`;

/** Where a reason is read: as a row of conditions that a film has at the time, or in one place of its own. */
export const PLACES = {
  waits: {
    means: 'the film is on its way, and has no node yet',
    conditions: ['Ready=False', 'Reconciling=True', 'Stalled=False', 'Scheduled=False', 'Progressing=False'],
    also: 'status.reason, status.message',
  },
  prepares: {
    means: 'a pod has its node, and the runner does not run there yet, or not any more',
    conditions: ['Ready=False', 'Reconciling=True', 'Stalled=False', 'Progressing=False'],
    also: 'status.reason, status.message',
  },
  stuck: {
    means: 'nothing happens until somebody acts',
    conditions: ['Ready=False', 'Reconciling=False', 'Stalled=True', 'Scheduled=False', 'Progressing=False'],
    also: 'status.reason, status.message',
  },
  placed: { means: 'a node is found', conditions: ['Scheduled=True'], also: '' },
  runs: {
    means: 'the runner is at work',
    conditions: ['Ready=False', 'Reconciling=True', 'Stalled=False', 'Progressing=True'],
    also: '',
  },
  complete: { means: 'the film is made', conditions: ['Ready=True', 'Stalled=False', 'Complete=True'], also: '' },
  over: { means: 'nothing is done any more', conditions: ['Reconciling=False', 'Progressing=False'], also: '' },
  'given up': {
    means: 'the film has failed',
    conditions: [
      ...(['Ready=False', 'Reconciling=False', 'Stalled=True', 'Scheduled=False', 'Progressing=False'] as const),
      'Failed=True',
    ],
    also: 'status.reason, status.message',
  },
  suspended: {
    means: 'a person has decided that the film waits',
    conditions: [
      ...['Ready=False', 'Reconciling=True', 'Stalled=False', 'Scheduled=False', 'Progressing=False'],
      'Suspended=True',
    ],
    also: '',
  },
  'suspended no more': { means: 'it goes on', conditions: ['Suspended=False'], also: '' },
  silent: { means: 'nothing is heard of the runner', conditions: ['ProgressStale=True'], also: '' },
  'silent no more': { means: 'it is heard of, or over', conditions: ['ProgressStale=False'], also: '' },
  'not applied': { means: 'an edit of the spec is not in use', conditions: ['SpecApplied=False'], also: '' },
  applied: { means: 'the last edit of the spec is in use', conditions: ['SpecApplied=True'], also: '' },
  unsaved: { means: 'checkpoints cannot be written', conditions: ['CheckpointFailing=True'], also: '' },
  'unsaved no more': {
    means: 'they are written again, or no runner is at work',
    conditions: ['CheckpointFailing=False'],
    also: '',
  },
  ailing: { means: 'devices of the runner are unhealthy', conditions: ['DevicesUnhealthy=True'], also: '' },
  'ailing no more': {
    means: 'they are healthy again, or no runner is at work',
    conditions: ['DevicesUnhealthy=False'],
    also: '',
  },
  warns: { means: 'people should know of it; the film is made all the same', conditions: ['Warnings=True'], also: '' },
  'warns no more': { means: 'what was warned of is mended', conditions: ['Warnings=False'], also: '' },
  attempt: { means: 'how one attempt ended', conditions: [], also: 'status.attempts[].reason and .message' },
  event: { means: 'told once', conditions: [], also: 'an event of the film' },
} as const satisfies Readonly<
  Record<string, { readonly means: string; readonly conditions: readonly Told[]; readonly also: string }>
>;

export type Place = keyof typeof PLACES;

/** Reasons that are not ours, and are passed on in their own words: whose they are, which, and what to do about them. */
export const PASSED_ON = [
  {
    whose: 'the scheduler',
    names: ['Unschedulable', 'SchedulingGated'],
    when: 'no node can take the pod',
    todo: 'read the message: GPUs that are taken or missing, taints, selectors, claims that are not bound',
    places: ['waits'],
  },
  {
    whose: 'Kueue, of a Job that waits in a queue',
    names: ['Pending', 'WaitingForQuota', 'Inadmissible', 'Preempted', 'Evicted'],
    when: 'the operator may read the Workloads of Kueue (--kueue true)',
    todo: 'wait, or read the message: quota that is used up or missing, a queue that is not there',
    places: ['waits'],
  },
  {
    whose: 'the kubelet, of images and containers',
    names: ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'CreateContainerConfigError', 'CrashLoopBackOff'],
    when: 'the pod has a node, and its container cannot be started',
    todo: 'correct the image, its secret or what the container refers to',
    places: ['prepares'],
  },
  {
    whose: 'the kubelet, of volumes',
    names: ['FailedMount', 'FailedAttachVolume'],
    when: 'the pod has a node, and a volume of it cannot be mounted',
    todo: 'make the claim, image or folder that the message names',
    places: ['prepares'],
  },
  {
    whose: 'the runner, of where it is',
    names: RUN_PHASES,
    when: 'the runner has told its phase',
    todo: 'nothing',
    places: ['runs'],
  },
  {
    whose: 'the runner, of its failure',
    names: ['E_…'],
    when: 'the runner ended and left an error code',
    todo: 'look it up under [error codes](error-codes.md)',
    places: ['attempt', 'prepares', 'given up'],
  },
  {
    whose: 'the cluster, of what it did to a pod',
    names: [
      ...['DisruptionTarget', 'PreemptionByScheduler', 'EvictionByEvictionAPI', 'DeletionByTaintManager'],
      ...['DeletionByPodGC', 'TerminationByKubelet', 'Evicted', 'NodeShutdown', 'NodeLost', 'NodeAffinity'],
      ...['Preempting', 'Terminated', 'UnexpectedAdmissionError', 'OutOf…'],
    ],
    when: 'a pod was taken away, or refused by its node',
    todo: 'nothing, unless it happens again and again: the next attempt is made, and counts as a disruption',
    places: ['attempt', 'prepares', 'waits'],
  },
] as const satisfies readonly {
  readonly whose: string;
  readonly names: readonly string[];
  readonly when: string;
  readonly todo: string;
  readonly places: readonly Place[];
}[];
