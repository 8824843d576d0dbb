/** What of a cluster runs, for `status`. */
import { findCluster } from './cluster.ts';
import { componentNames } from './component.ts';
import { clusterFolder, nodeName } from './layout.ts';
import { findProcesses } from './processes.ts';
import { readState } from './state.ts';

export interface ComponentStatus {
  readonly name: string;
  readonly running: boolean;
  readonly residentBytes: number;
}

export interface ClusterStatus {
  readonly name: string;
  /** `up`, `starting` (or cut off while it started), `broken` (a component ended) or `down`. */
  readonly phase: 'up' | 'starting' | 'broken' | 'down';
  readonly up: boolean;
  readonly folder: string;
  readonly kubeconfig: string | null;
  readonly node: { readonly address: string; readonly ready: string; readonly gpus: string } | null;
  readonly components: readonly ComponentStatus[];
}

function componentStatus(folder: string): ComponentStatus[] {
  const processes = findProcesses(folder);
  return componentNames.map((name) => {
    const own = processes.filter((found) => found.component === name);
    // A component has two processes: the one that entered the namespaces, which is small, and itself.
    const residentBytes = Math.max(0, ...own.map((found) => found.residentBytes));
    return { name, running: own.length > 0, residentBytes };
  });
}

/** Looks at the cluster of this name. */
export async function clusterStatus(name: string): Promise<ClusterStatus> {
  const folder = clusterFolder(name);
  const state = readState(name);
  const cluster = findCluster(name);
  const components = componentStatus(folder);
  if (cluster === null) {
    const phase = state === null ? 'down' : state.phase === 'up' ? 'broken' : 'starting';
    return { name, phase, up: false, folder, kubeconfig: null, node: null, components };
  }
  const path = '{.status.conditions[?(@.type=="Ready")].status} {.status.allocatable.nvidia\\.com/gpu}';
  const answer = await cluster.kubectl(['get', 'node', nodeName, '-o', `jsonpath=${path}`]);
  const [ready = 'Unknown', gpus = '0'] = answer.stdout.split(' ');
  return {
    ...{ name, phase: 'up', up: true, folder, kubeconfig: cluster.kubeconfig },
    node: { address: cluster.nodeAddress, ready, gpus },
    components,
  };
}

/** The status as a page for a person. */
export function renderStatus(status: ClusterStatus, allNames: readonly string[]): string {
  const lines = [`cluster ${status.name} is ${status.phase}`];
  if (status.node !== null) {
    lines.push(`  node        ${status.node.address}, Ready=${status.node.ready}, ${status.node.gpus} stand-in GPUs`);
    lines.push(`  KUBECONFIG  ${status.kubeconfig}`);
  }
  if (status.phase !== 'down') {
    for (const { name, running, residentBytes } of status.components) {
      const memory = running ? `${Math.round(residentBytes / 1e6)} MB` : 'not running';
      lines.push(`  ${name.padEnd(24)} ${memory}`);
    }
  }
  const others = allNames.filter((name) => name !== status.name);
  if (others.length > 0) lines.push(`other clusters: ${others.join(', ')}`);
  return `${lines.join('\n')}\n`;
}
