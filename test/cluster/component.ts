/** One long-running program of the cluster, started in the bed. */
import { join } from 'node:path';
import { type Bed, inBed } from './bed.ts';
import { clusterError } from './errors.ts';
import type { ClusterLayout } from './layout.ts';
import { findProcesses, launch, logTail } from './processes.ts';

export interface Component {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** All components, in the order in which they start. */
export const componentNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'containerd',
  'kubelet',
  'stand-in-device-plugin',
  'stand-in-dns',
  'kube-proxy',
] as const;

export function startComponent(layout: ClusterLayout, bed: Bed, component: Component): void {
  const [command = '', ...args] = inBed(bed, [component.command, ...component.args]);
  launch({
    folder: layout.folder,
    component: component.name,
    command,
    args,
    path: bed.path,
    logFile: join(layout.logs, `${component.name}.log`),
  });
}

/** Throws with the end of its log if one of the components has ended. */
export function requireRunning(layout: ClusterLayout, names: readonly string[]): void {
  const running = new Set(findProcesses(layout.folder).map((found) => found.component));
  for (const component of names) {
    if (running.has(component)) continue;
    throw clusterError('E_CLUSTER_COMPONENT', {
      component,
      log: join(layout.logs, `${component}.log`),
      tail: logTail(layout.folder, component),
    });
  }
}
