/** Where everything of one cluster is: folders, addresses, names. Pure: from a name and a number of its own. */
import { join } from 'node:path';
import { clusterError } from './errors.ts';

/** All state folders are in here, each named for its cluster. */
export const stateRoot = '/tmp/dualparal-cluster';

export const nodeName = 'node';
export const apiServerPort = 6443;

export interface ClusterLayout {
  readonly name: string;
  /** 0 … 99, free on this machine when the cluster started; part of its addresses and of its link's name. */
  readonly slot: number;
  readonly folder: string;
  /** Name of the machine's end of the link. */
  readonly link: string;
  readonly linkPrefixLength: number;
  /** The machine's end of the link, as the cluster sees it. */
  readonly hostAddress: string;
  readonly nodeAddress: string;
  readonly podRange: string;
  readonly serviceRange: string;
  /** Address of the service `kubernetes.default`. */
  readonly kubernetesAddress: string;
  /** Name of the cgroup below each hierarchy's root. */
  readonly cgroup: string;
  readonly kubeconfig: string;
  readonly certificates: string;
  readonly logs: string;
  /** While this file exists, new containers get no sign of the GPUs that they hold: real to the kubelet alone. */
  readonly silentGpus: string;
  /** Ids of stand-in GPUs, one a line, that the device plugin reports to the kubelet as unhealthy while they stand there. */
  readonly unhealthyGpus: string;
  /** A folder that the cluster's pods can mount by hostPath; removed with the cluster. */
  readonly work: string;
}

/** Where one node of a cluster is. */
export interface NodePlace {
  readonly node: string;
  /** Of what its programs write. */
  readonly folder: string;
  /** Before the names of its components. */
  readonly prefix: string;
  /** Its share of the cluster's cgroup. */
  readonly cgroup: string;
  /** The certificate by which the API server knows its kubelet. */
  readonly certificate: string;
  readonly kubeletPort: number;
  readonly healthPort: number;
}

/** The node that every cluster has. */
export function firstNode({ folder, cgroup }: ClusterLayout): NodePlace {
  const ports = { kubeletPort: 10250, healthPort: 10248 };
  return { node: nodeName, folder, prefix: '', cgroup, certificate: 'kubelet', ...ports };
}

/** A node beside it, which shares its address and its pods' network, and nothing else. */
export function secondNode({ folder, cgroup }: ClusterLayout): NodePlace {
  const ports = { kubeletPort: 10260, healthPort: 10258 };
  const own = { folder: join(folder, 'second'), cgroup: `${cgroup}/second` };
  return { node: 'second', prefix: 'second-', certificate: 'kubelet-second', ...own, ...ports };
}

/** Folder of a cluster's state; its name must be a DNS label of at most 32 characters. */
export function clusterFolder(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw clusterError('E_CLUSTER_USAGE', { detail: `'${name}' is no name of a cluster (want [a-z0-9-], at most 32)` });
  }
  return join(stateRoot, name);
}

export function clusterLayout(name: string, slot: number): ClusterLayout {
  const folder = clusterFolder(name);
  return {
    name,
    slot,
    folder,
    link: `dualparal-${slot}`,
    linkPrefixLength: 30,
    hostAddress: `10.90.${slot}.1`,
    nodeAddress: `10.90.${slot}.2`,
    podRange: `10.91.${slot}.0/24`,
    serviceRange: `10.92.${slot}.0/24`,
    kubernetesAddress: `10.92.${slot}.1`,
    cgroup: `dualparal-${name}`,
    kubeconfig: join(folder, 'kubeconfig', 'admin'),
    certificates: join(folder, 'certificates'),
    logs: join(folder, 'logs'),
    silentGpus: join(folder, 'silent-gpus'),
    unhealthyGpus: join(folder, 'unhealthy-gpus'),
    work: join(folder, 'work'),
  };
}
