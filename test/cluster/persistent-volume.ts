/** A persistent volume on the node's disk and its claim, for tests: a folder in the cluster's work folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterLayout, nodeName } from './layout.ts';

export interface LocalClaim {
  readonly namespace: string;
  /** Name of the claim, and part of the volume's and the folder's. */
  readonly name: string;
  readonly accessMode?: 'ReadWriteOnce' | 'ReadOnlyMany' | 'ReadWriteMany';
}

/** Folder of the claim's files, as this machine sees it. */
export function claimFolder(layout: Pick<ClusterLayout, 'work'>, claim: LocalClaim): string {
  return join(layout.work, `${claim.namespace}-${claim.name}`);
}

/** Makes the folder and returns volume and claim for `kubectl apply -f -`. A pod's fsGroup becomes the folder's group. */
export function localClaim(layout: Pick<ClusterLayout, 'work'>, claim: LocalClaim): string {
  const path = claimFolder(layout, claim);
  mkdirSync(path, { recursive: true });
  const volume = `${claim.namespace}-${claim.name}`;
  const shared = { storageClassName: '', accessModes: [claim.accessMode ?? 'ReadWriteOnce'] };
  const node = { key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] };
  const items = [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volume },
      spec: {
        ...shared,
        capacity: { storage: '1Gi' },
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { namespace: claim.namespace, name: claim.name },
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [node] }] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: claim.name, namespace: claim.namespace },
      spec: { ...shared, volumeName: volume, resources: { requests: { storage: '1Gi' } } },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
