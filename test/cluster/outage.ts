/** What goes wrong with a node: its kubelet ends and comes back, its GPUs fall ill and get well. */
import { writeFileSync } from 'node:fs';
import type { Cluster } from './cluster.ts';
import { clusterError } from './errors.ts';
import { firstNode } from './layout.ts';
import { startKubelet } from './node.ts';
import { findProcesses } from './processes.ts';
import { waitFor } from './ready.ts';
import { readState } from './state.ts';

const isKubelet = ({ component }: { readonly component: string }) => component === 'kubelet';

/** Ends the kubelet and returns when it is no more; the pods' containers run on without it. */
export async function stopKubelet(cluster: Cluster, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const { pid } of findProcesses(cluster.folder).filter(isKubelet)) {
    try {
      process.kill(pid, signal);
    } catch {
      // The one that entered the namespaces ends with the other.
    }
  }
  await waitFor(cluster, {
    ...{ what: 'the end of the kubelet', seconds: 60, components: [] },
    look: () => (findProcesses(cluster.folder).some(isKubelet) ? 'it runs' : 'ok'),
  });
}

/** Starts the kubelet that was stopped, which finds the containers that it left; returns when it has shown the API server that it is back. */
export async function startKubeletAgain(cluster: Cluster): Promise<void> {
  const bed = readState(cluster.name)?.bed;
  if (bed == null) throw clusterError('E_CLUSTER_DOWN', { name: cluster.name });
  const { node } = firstNode(cluster);
  const heartbeat = async () => {
    const path = 'jsonpath={.spec.renewTime}';
    return (await cluster.kubectl(['-n', 'kube-node-lease', 'get', 'lease', node, '-o', path])).stdout;
  };
  const last = await heartbeat();
  startKubelet(cluster, firstNode(cluster), bed);
  await waitFor(cluster, {
    ...{ what: 'a heartbeat of the kubelet', seconds: 60, components: ['kubelet'] },
    look: async () => ([last, ''].includes(await heartbeat()) ? `the one of ${last}` : 'ok'),
  });
}

/** Makes the first so many stand-in GPUs of the node unhealthy, and the others healthy; returns when the node says so. */
export async function setUnhealthyGpus(cluster: Cluster, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `stand-in-gpu-${index}\n`);
  writeFileSync(cluster.unhealthyGpus, ids.join(''));
  await waitFor(cluster, {
    ...{ what: `${count} unhealthy GPUs`, seconds: 60, components: ['kubelet', 'stand-in-device-plugin'] },
    look: async () => {
      const { stdout, stderr } = await cluster.kubectl(['get', 'node', firstNode(cluster).node, '-o', 'json']);
      if (stdout === '') return stderr;
      const { status } = JSON.parse(stdout);
      const [all, usable] = [status.capacity, status.allocatable].map((of) => Number(of['nvidia.com/gpu']));
      return all! - usable! === count ? 'ok' : `${usable} of ${all} GPUs can be used`;
    },
  });
}
