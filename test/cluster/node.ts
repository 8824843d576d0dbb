/** A node: containerd, kubelet and stand-in GPUs; and for all of them kube-proxy and names of services. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { runInBed } from './bed.ts';
import { makeCgroups } from './cgroups.ts';
import { startComponent } from './component.ts';
import { importImage } from './images.ts';
import { apiServerUrl, kubeconfigPath } from './kubeconfig.ts';
import type { ClusterLayout, NodePlace } from './layout.ts';
import {
  renderCniConfig,
  renderContainerdConfig,
  renderKubeletConfig,
  renderKubeProxyConfig,
  type Snapshotter,
} from './node-config.ts';
import { waitFor } from './ready.ts';

/** `overlayfs` where the cluster's folder lies on a file system that can carry it, else `native`. */
export function chooseSnapshotter(place: NodePlace, bed: Bed): Snapshotter {
  const folder = mkdtempSync(join(place.folder, 'overlay-'));
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

function writeConfigs(layout: ClusterLayout, place: NodePlace, snapshotter: Snapshotter): void {
  const folder = join(place.folder, 'containerd');
  mkdirSync(join(folder, 'cni'), { recursive: true });
  mkdirSync(join(place.folder, 'kubelet-volume-plugins'), { recursive: true });
  writeFileSync(join(folder, 'config.toml'), renderContainerdConfig(place, snapshotter));
  writeFileSync(join(folder, 'cni', '10-pods.conflist'), renderCniConfig(layout));
  writeFileSync(join(place.folder, 'kubelet.json'), renderKubeletConfig(layout, place));
}

async function startContainerd(layout: ClusterLayout, place: NodePlace, bed: Bed): Promise<void> {
  const name = `${place.prefix}containerd`;
  const args = ['--config', join(place.folder, 'containerd', 'config.toml'), '--log-level', 'info'];
  startComponent(layout, bed, { name, command: 'containerd', args });
  await waitFor(layout, {
    what: name,
    seconds: 60,
    components: [name],
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

export function startKubelet(layout: ClusterLayout, place: NodePlace, bed: Bed): void {
  makeCgroups(place.cgroup);
  startComponent(layout, bed, {
    name: `${place.prefix}kubelet`,
    command: 'kubelet',
    args: [
      `--config=${join(place.folder, 'kubelet.json')}`,
      `--kubeconfig=${kubeconfigPath(layout, place.certificate)}`,
      `--hostname-override=${place.node}`,
      `--node-ip=${layout.nodeAddress}`,
    ],
  });
}

async function startDevicePlugin(layout: ClusterLayout, place: NodePlace, bed: Bed, gpus: number): Promise<void> {
  const socket = join(place.folder, 'own/var/lib/kubelet/device-plugins/kubelet.sock');
  await waitFor(layout, {
    what: "the kubelet's device plugin socket",
    seconds: 60,
    components: [`${place.prefix}kubelet`],
    look: () => (existsSync(socket) ? 'ok' : 'no socket'),
  });
  startComponent(layout, bed, {
    name: `${place.prefix}stand-in-device-plugin`,
    command: 'stand-in-device-plugin',
    args: ['-count', String(gpus), '-silent-while', layout.silentGpus, '-unhealthy', layout.unhealthyGpus],
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

/** Starts a node's programs; it registers itself and becomes ready some seconds later. */
export async function startNode(
  layout: ClusterLayout,
  place: NodePlace,
  bed: Bed,
  { gpus, pauseTar }: NodeOptions,
): Promise<Snapshotter> {
  const snapshotter = chooseSnapshotter(place, bed);
  writeConfigs(layout, place, snapshotter);
  await startContainerd(layout, place, bed);
  await importImage(bed, snapshotter, pauseTar);
  startKubelet(layout, place, bed);
  await startDevicePlugin(layout, place, bed, gpus);
  return snapshotter;
}

/** Starts what makes services reachable, by address and by name, from every pod of the cluster's network. */
export function startServices(layout: ClusterLayout, bed: Bed): void {
  const config = join(layout.folder, 'kube-proxy.json');
  writeFileSync(config, renderKubeProxyConfig(layout));
  startComponent(layout, bed, { name: 'kube-proxy', command: 'kube-proxy', args: [`--config=${config}`] });
  startDns(layout, bed);
}
