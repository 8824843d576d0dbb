/** The one node: containerd, kubelet, stand-in GPUs, kube-proxy and names of services, on a network of its own. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { runInBed } from './bed.ts';
import { makeCgroups } from './cgroups.ts';
import { startComponent } from './component.ts';
import { importImage } from './images.ts';
import { apiServerUrl, kubeconfigPath } from './kubeconfig.ts';
import { type ClusterLayout, nodeName } from './layout.ts';
import {
  renderCniConfig,
  renderContainerdConfig,
  renderKubeletConfig,
  renderKubeProxyConfig,
  type Snapshotter,
} from './node-config.ts';
import { waitFor } from './ready.ts';

/** `overlayfs` where the cluster's folder lies on a file system that can carry it, else `native`. */
export function chooseSnapshotter(layout: ClusterLayout, bed: Bed): Snapshotter {
  const folder = mkdtempSync(join(layout.folder, 'overlay-'));
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(folder, name));
  for (const path of [lower, upper, work, merged]) mkdirSync(path ?? '');
  try {
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    runInBed(bed, ['mount', '-t', 'overlay', 'overlay', '-o', options, merged ?? '']);
    runInBed(bed, ['umount', merged ?? '']);
    return 'overlayfs';
  } catch {
    return 'native';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeConfigs(layout: ClusterLayout, snapshotter: Snapshotter): void {
  const folder = join(layout.folder, 'containerd');
  mkdirSync(join(folder, 'cni'), { recursive: true });
  mkdirSync(join(layout.folder, 'kubelet-volume-plugins'), { recursive: true });
  writeFileSync(join(folder, 'config.toml'), renderContainerdConfig(layout, snapshotter));
  writeFileSync(join(folder, 'cni', '10-pods.conflist'), renderCniConfig(layout));
  writeFileSync(join(layout.folder, 'kubelet.json'), renderKubeletConfig(layout));
  writeFileSync(join(layout.folder, 'kube-proxy.json'), renderKubeProxyConfig(layout));
}

async function startContainerd(layout: ClusterLayout, bed: Bed): Promise<void> {
  const args = ['--config', join(layout.folder, 'containerd', 'config.toml'), '--log-level', 'info'];
  startComponent(layout, bed, { name: 'containerd', command: 'containerd', args });
  await waitFor(layout, {
    what: 'containerd',
    seconds: 60,
    components: ['containerd'],
    look: () => {
      try {
        runInBed(bed, ['ctr', 'version']);
        return 'ok';
      } catch (error) {
        return String(error);
      }
    },
  });
}

function startKubelet(layout: ClusterLayout, bed: Bed): void {
  makeCgroups(layout.cgroup);
  startComponent(layout, bed, {
    name: 'kubelet',
    command: 'kubelet',
    args: [
      `--config=${join(layout.folder, 'kubelet.json')}`,
      `--kubeconfig=${kubeconfigPath(layout, 'kubelet')}`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${layout.nodeAddress}`,
    ],
  });
}

async function startDevicePlugin(layout: ClusterLayout, bed: Bed, gpus: number): Promise<void> {
  const socket = join(layout.folder, 'own/var/lib/kubelet/device-plugins/kubelet.sock');
  await waitFor(layout, {
    what: "the kubelet's device plugin socket",
    seconds: 60,
    components: ['kubelet'],
    look: () => (existsSync(socket) ? 'ok' : 'no socket'),
  });
  startComponent(layout, bed, {
    name: 'stand-in-device-plugin',
    command: 'stand-in-device-plugin',
    args: ['-count', String(gpus), '-silent-while', layout.silentGpus],
  });
}

/** The node-proxier's right to list services is all that the names need. */
function startDns(layout: ClusterLayout, bed: Bed): void {
  const file = (name: string) => join(layout.certificates, name);
  startComponent(layout, bed, {
    name: 'stand-in-dns',
    command: 'stand-in-dns',
    args: [
      `-listen=${layout.nodeAddress}:53`,
      `-server=${apiServerUrl(layout)}`,
      `-authority=${file('authority.crt')}`,
      `-certificate=${file('kube-proxy.crt')}`,
      `-key=${file('kube-proxy.key')}`,
    ],
  });
}

export interface NodeOptions {
  readonly gpus: number;
  /** Image of the process that holds a pod's namespaces, as an OCI layout tar. */
  readonly pauseTar: string;
}

/** Starts the node's programs; the node registers itself and becomes ready some seconds later. */
export async function startNode(
  layout: ClusterLayout,
  bed: Bed,
  options: NodeOptions,
  report: (line: string) => void,
): Promise<Snapshotter> {
  const snapshotter = chooseSnapshotter(layout, bed);
  writeConfigs(layout, snapshotter);
  report(`starting containerd (${snapshotter}), the kubelet, kube-proxy and DNS`);
  await startContainerd(layout, bed);
  await importImage(bed, snapshotter, options.pauseTar);
  startKubelet(layout, bed);
  startComponent(layout, bed, {
    name: 'kube-proxy',
    command: 'kube-proxy',
    args: [`--config=${join(layout.folder, 'kube-proxy.json')}`],
  });
  startDns(layout, bed);
  await startDevicePlugin(layout, bed, options.gpus);
  return snapshotter;
}
