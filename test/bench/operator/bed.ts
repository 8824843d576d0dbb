/** An API server and its store, and nothing else: what an operator is measured against. */
import { type Cluster, startCluster, stopCluster } from '../../cluster/cluster.ts';
import { findProcesses, killProcess } from '../../cluster/processes.ts';
import { installResource } from '../../end-to-end/operator-process.ts';

const NAME = 'operator-bench';
/** Everything else that acts in a cluster would compete for the processors. */
const ACTING = [
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'containerd',
  'kube-proxy',
  'stand-in-device-plugin',
  'stand-in-dns',
];

/** Does `work` on a fresh bed with the CRD in it; takes the bed away whatever comes of it. */
export async function onBed<T>(work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await startCluster({ name: NAME, report: (line) => console.error(`[bed] ${line}`) });
  try {
    await installResource(cluster);
    for (const { pid, component } of findProcesses(cluster.folder)) if (ACTING.includes(component)) killProcess(pid);
    return await work(cluster);
  } finally {
    await stopCluster(NAME);
  }
}
