import { framesOf } from '#contract/generation.ts';
import { graceSeconds } from '#contract/grace.ts';
import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import type { RunnerFields } from '#contract/runner-fields.ts';
import { GRACE_VARIABLE } from '#contract/stop-time.ts';
import { defined } from '../api/defined.ts';
import type { Container, PodSpec } from '../api/kubernetes.ts';
import { RUNNER_CONTAINER } from '../api/labels.ts';
import { affinityOf } from './gpu-nodes.ts';
import { resourceClaims, runnerResources } from './gpus.ts';
import { CA_FILE, FROZEN_MOUNT, JOB_FILE, TOKEN_FILE, TOKEN_MOUNT } from './names.ts';
import { podVolumes } from './volumes.ts';

/** The operator's own choices about the pods it makes. */
export interface RunnerSettings {
  readonly image: string;
  readonly imagePullPolicy: string;
  /** Address to which runners report; none where nobody listens. */
  readonly progressUrl?: string;
  /** What the administrators want of every pod; a film's own `spec.runner` stands above it. */
  readonly defaults?: RunnerFields;
}

/** User and group of the runner; the claim's files get the group where its driver can do that. */
export const RUNNER_ID = 65532;
/** A container's first process hears no signal before it listens for it: Node itself, there, would sleep through an early SIGTERM and be killed. */
const FIRST_PROCESS = ['/usr/bin/tini', '--'];
const TERMINATION_LOG = '/dev/termination-log';

/** The pod of an attempt. It fulfils the restricted pod security standard and holds no token of the API server. */
export function runnerPod(spec: VideoGenerationSpec, configMap: string, settings: RunnerSettings): PodSpec {
  const { serviceAccountName, priorityClassName, runtimeClassName, imagePullSecrets } = spec.runner;
  const { nodeSelector, topologySpreadConstraints, tolerations } = spec.runner;
  const { volumes, mounts } = podVolumes(spec, configMap, settings.progressUrl !== undefined);
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: graceOf(spec),
    ...defined({ serviceAccountName, priorityClassName, runtimeClassName, imagePullSecrets }),
    ...defined({ nodeSelector, affinity: affinityOf(spec.runner), topologySpreadConstraints, tolerations }),
    ...defined({ resourceClaims: resourceClaims(spec.runner) }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: RUNNER_ID,
      runAsGroup: RUNNER_ID,
      fsGroup: RUNNER_ID,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [{ ...container(spec, settings), volumeMounts: mounts }],
    volumes,
  };
}

function container(spec: VideoGenerationSpec, settings: RunnerSettings): Omit<Container, 'volumeMounts'> {
  return {
    name: RUNNER_CONTAINER,
    image: spec.runner.image ?? settings.image,
    imagePullPolicy: spec.runner.imagePullPolicy ?? settings.imagePullPolicy,
    command: [...FIRST_PROCESS, 'node', '/app/runner/cli/main.ts', 'run', '--job', `${FROZEN_MOUNT}/${JOB_FILE}`],
    env: environment(graceOf(spec), settings.progressUrl),
    resources: runnerResources(spec),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePath: TERMINATION_LOG,
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

/** Time between SIGTERM and SIGKILL. */
function graceOf(spec: VideoGenerationSpec): number {
  return spec.runner.terminationGracePeriodSeconds ?? graceSeconds({ ...spec, frames: framesOf(spec) });
}

function environment(grace: number, progressUrl: string | undefined): readonly object[] {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const progress = [
    { name: 'DUALPARAL_PROGRESS_URL', value: progressUrl },
    { name: 'DUALPARAL_PROGRESS_TOKEN_FILE', value: `${TOKEN_MOUNT}/${TOKEN_FILE}` },
    { name: 'DUALPARAL_PROGRESS_CA_FILE', value: `${FROZEN_MOUNT}/${CA_FILE}` },
  ];
  return [
    { name: 'HOME', value: '/tmp' },
    { name: 'DUALPARAL_TERMINATION_LOG', value: TERMINATION_LOG },
    { name: GRACE_VARIABLE, value: String(grace) },
    // Every runner asks for GPUs: one that cannot use them says why, whatever signs of them its container has.
    { name: 'DUALPARAL_DEVICE', value: 'cuda' },
    field('DUALPARAL_POD_NAME', 'metadata.name'),
    field('DUALPARAL_POD_UID', 'metadata.uid'),
    field('DUALPARAL_NODE_NAME', 'spec.nodeName'),
    ...(progressUrl === undefined ? [] : progress),
  ];
}
