/**
 * A second node: a containerd, a kubelet and stand-in GPUs in process and mount namespaces of their own inside the bed. It
 * shares the first one's network. Killing its first process ends all that runs there at once, containers too: the power is gone.
 */
import { mkdirSync } from 'node:fs';
import { openBed } from './bed.ts';
import { binaryPaths, findGo } from './build.ts';
import { signCertificate } from './certificates.ts';
import { type Cluster, waitForNode } from './cluster.ts';
import { clusterError } from './errors.ts';
import { importImage, pauseImageTar } from './images.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { secondNode } from './layout.ts';
import { startNode } from './node.ts';
import { findProcesses, killProcess } from './processes.ts';
import { waitFor } from './ready.ts';
import { readState } from './state.ts';

export interface SecondNode {
  readonly node: string;
  importImage(tarFile: string): Promise<void>;
  /** Ends everything on it without a word to the API server, which still has its Node and its pods. */
  switchOff(): Promise<void>;
}

/** Adds a node with as many GPUs as the first one has, and returns when it is ready. */
export async function startSecondNode(cluster: Cluster): Promise<SecondNode> {
  const state = readState(cluster.name);
  const go = findGo();
  if (go === null || state?.bed == null) throw clusterError('E_CLUSTER_DOWN', { name: cluster.name });
  const place = secondNode(cluster);
  const { node, prefix, certificate, folder } = place;
  mkdirSync(folder, { recursive: true });
  signCertificate(cluster, { file: certificate, commonName: `system:node:${node}`, organization: 'system:nodes' });
  writeKubeconfig(cluster, certificate);
  const binaries = binaryPaths(go);
  const outer = { bed: state.bed, owner: cluster.folder, component: `${prefix}bed` };
  const bed = await openBed(folder, binaries, outer);
  const pauseTar = await pauseImageTar(binaries.pause ?? '');
  const snapshotter = await startNode(cluster, place, bed, { gpus: state.gpus, pauseTar });
  await waitForNode(cluster, node, state.gpus);
  return {
    node,
    importImage: (tarFile) => importImage(bed, snapshotter, tarFile),
    switchOff: () =>
      waitFor(cluster, {
        ...{ what: `the end of ${node}`, seconds: 60, components: [] },
        look: () => {
          const left = findProcesses(cluster.folder).filter(({ component }) => component.startsWith(prefix));
          for (const { pid } of left) killProcess(pid);
          return left.length === 0 ? 'ok' : `${left.length} processes`;
        },
      }),
  };
}
