import { jobSpecOf } from '#contract/generation.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import { type ConfigMap, controllerReference } from '../api/kubernetes.ts';
import { childLabels } from '../api/labels.ts';
import { type AttemptOf, sizedSpec } from './build.ts';
import { CA_FILE, JOB_FILE, jobName, modelFolder, outputFolder } from './names.ts';

/** So many earlier attempts are looked at for the finished film, the latest ones. */
const MOST_EARLIER = 200;

/** What the runner of an attempt makes: the resource's spec with every default, and the folders inside the pod. */
export function frozenSpec(of: AttemptOf): JobSpec {
  const { resource, attempt } = of;
  const spec = sizedSpec(of);
  return jobSpecOf(resource.name, spec, {
    modelFolder: modelFolder(spec),
    outputFolder: outputFolder(resource, spec, attempt),
    earlierFolders: Array.from({ length: Math.min(attempt - 1, MOST_EARLIER) }, (_, back) =>
      outputFolder(resource, spec, attempt - 1 - back),
    ),
  });
}

/**
 * The frozen spec as the ConfigMap `name` that the runner mounts, with the certificate authority of the progress endpoint.
 * Immutable, and owned by the Job: it goes when the Job goes.
 */
export function frozenConfigMap(
  of: AttemptOf,
  { name, jobUid }: { readonly name: string; readonly jobUid: string },
  progressCa: string | undefined,
): ConfigMap {
  const job = jobName(of.resource, of.attempt);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: of.resource.namespace,
      labels: childLabels(of.resource.name, of.attempt),
      ownerReferences: [controllerReference({ apiVersion: 'batch/v1', kind: 'Job', name: job, uid: jobUid })],
    },
    immutable: true,
    data: {
      [JOB_FILE]: `${JSON.stringify(frozenSpec(of), null, 2)}\n`,
      ...(progressCa === undefined ? {} : { [CA_FILE]: progressCa }),
    },
  };
}
