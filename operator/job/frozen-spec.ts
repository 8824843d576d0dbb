import { jobSpecOf } from '#contract/generation.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import { type ConfigMap, controllerReference } from '../api/kubernetes.ts';
import { childLabels } from '../api/labels.ts';
import type { AttemptOf } from './build.ts';
import { CA_FILE, JOB_FILE, jobName, modelFolder, outputFolder } from './names.ts';

/** What the runner of an attempt makes: the resource's spec with every default, and the folders inside the pod. */
export function frozenSpec({ resource, spec, attempt }: AttemptOf): JobSpec {
  return jobSpecOf(resource.name, spec, {
    modelFolder: modelFolder(spec),
    outputFolder: outputFolder(resource, spec, attempt),
  });
}

/**
 * The frozen spec as the ConfigMap that the runner mounts, with the certificate authority of the progress endpoint.
 * Immutable, and owned by the Job: it goes when the Job goes.
 */
export function frozenConfigMap(of: AttemptOf, jobUid: string, progressCa: string | undefined): ConfigMap {
  const name = jobName(of.resource, of.attempt);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: of.resource.namespace,
      labels: childLabels(of.resource.name, of.attempt),
      ownerReferences: [controllerReference({ apiVersion: 'batch/v1', kind: 'Job', name, uid: jobUid })],
    },
    immutable: true,
    data: {
      [JOB_FILE]: `${JSON.stringify(frozenSpec(of), null, 2)}\n`,
      ...(progressCa === undefined ? {} : { [CA_FILE]: progressCa }),
    },
  };
}
