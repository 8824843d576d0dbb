import type { Condition, ContainerEnd, ContainerStatus, Pod, PodStatus } from '../../operator/api/kubernetes.ts';
import { childLabels, LABEL_JOB_UID } from '../../operator/api/labels.ts';

type Modifier = (pod: Pod) => Pod;

/** A pod of Job `job-<attempt>` that nobody has scheduled yet: `pod(1)` has the uid `pod-1`. */
export function pod(attempt: number, ...modifiers: readonly Modifier[]): Pod {
  const made: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `lighthouse-3f2a9c1b-${attempt}-abcde`,
      namespace: 'films',
      uid: `pod-${attempt}`,
      resourceVersion: String(200 + attempt),
      creationTimestamp: `2026-01-01T00:0${attempt}:01Z`,
      labels: childLabels('lighthouse', attempt),
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          name: `lighthouse-3f2a9c1b-${attempt}`,
          uid: `job-${attempt}`,
          controller: true,
        },
      ],
    },
    spec: {},
    status: { phase: 'Pending' },
  };
  return modifiers.reduce((object, modify) => modify(object), made);
}

export const withStatus =
  (status: Partial<PodStatus>): Modifier =>
  (object) => ({ ...object, status: { ...object.status, ...status } });

export const withCondition =
  (condition: Condition): Modifier =>
  (object) =>
    withStatus({ conditions: [...(object.status?.conditions ?? []), condition] })(object);

/** The scheduler has found a node. */
export const onNode =
  (nodeName = 'gpu-1'): Modifier =>
  (object) => ({ ...object, spec: { nodeName } });

export const withContainer =
  (state: ContainerStatus['state']): Modifier =>
  (object) =>
    withStatus({ containerStatuses: [{ name: 'runner', ...(state === undefined ? {} : { state }) }] })(object);

/** One more container that somebody has put in front of the runner. */
export const withInitContainer =
  (name: string, state: NonNullable<ContainerStatus['state']>): Modifier =>
  (object) =>
    withStatus({ initContainerStatuses: [...(object.status?.initContainerStatuses ?? []), { name, state }] })(object);

/** The pod that its Job has made after another one. */
export const asNext: Modifier = (object) => ({
  ...object,
  metadata: { ...object.metadata, name: `${object.metadata.name}-next`, uid: `${object.metadata.uid}b` },
});

export const running: Modifier = (object) =>
  withContainer({ running: { startedAt: '2026-01-01T00:05:00Z' } })(withStatus({ phase: 'Running' })(onNode()(object)));

/** The runner has ended with a code, and left a message. */
export const ended =
  (exitCode: number, message?: unknown, more: Partial<ContainerEnd> = {}): Modifier =>
  (object) => {
    const text = typeof message === 'string' || message === undefined ? message : JSON.stringify(message);
    const end = { startedAt: '2026-01-01T00:05:00Z', finishedAt: '2026-01-01T00:15:00Z', ...more };
    const terminated = { exitCode, ...end, ...(text === undefined ? {} : { message: text }) };
    return withContainer({ terminated })(
      withStatus({ phase: exitCode === 0 ? 'Succeeded' : 'Failed' })(onNode()(object)),
    );
  };

/** What the kubelet says of the devices of its runner: `{ 'gpu-3': 'Unhealthy' }`. */
export const withHealth =
  (devices: Readonly<Record<string, 'Healthy' | 'Unhealthy' | 'Unknown'>>, message?: string): Modifier =>
  (object) => {
    const told = message === undefined ? {} : { message };
    const resources = Object.entries(devices).map(([resourceID, health]) => ({ resourceID, health, ...told }));
    const allocatedResourcesStatus = [{ name: 'nvidia.com/gpu', resources }];
    const containers = object.status?.containerStatuses ?? [];
    return withStatus({
      containerStatuses: containers.map((one) => (one.name === 'runner' ? { ...one, allocatedResourcesStatus } : one)),
    })(object);
  };

/** A container that somebody else has put into the pod goes on after the runner. */
export const outlived: Modifier = (object) => {
  const others = [{ name: 'mesh', state: { running: {} } }];
  return withStatus({
    phase: 'Running',
    containerStatuses: [...(object.status?.containerStatuses ?? []), ...others],
  })(object);
};

/** Its Job was deleted without it: only the Job controller's label tells of that. */
export const orphaned: Modifier = (object) => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: [],
    labels: { ...object.metadata.labels, [LABEL_JOB_UID]: 'job-1' },
  },
});

/** Record that the runner leaves when the film is ready. */
export const succeededResult = {
  contractVersion: 1,
  outcome: 'succeeded',
  work: { iterations: 60, blocks: 11, blockSteps: 550 },
  framesReady: 81,
  elapsedSeconds: 600,
  film: {
    location: '/output/films/lighthouse/3f2a9c1b-1/video.mp4',
    file: 'video.mp4',
    frames: 81,
    seconds: 5.0625,
    bytes: 1234,
    sha256: 'a'.repeat(64),
    width: 832,
    height: 480,
    fps: 16,
    codec: 'h264',
    precision: { sampling: 'bfloat16', decoding: 'float32' },
  },
} as const;
