/** Configuration of the node's programs as pure texts: containerd, CNI, kubelet, kube-proxy. */
import { join } from 'node:path';
import { kubeconfigPath } from './kubeconfig.ts';
import { type ClusterLayout, type NodePlace, nodeName } from './layout.ts';

export const pauseImage = 'localhost/dualparal-pause:1';
export const containerdSocket = '/run/containerd/containerd.sock';

/** How containerd stacks the layers of images: `native` copies them and works on every file system. */
export type Snapshotter = 'overlayfs' | 'native';

export function renderContainerdConfig(place: NodePlace, snapshotter: Snapshotter): string {
  const folder = join(place.folder, 'containerd');
  return `version = 3
root = '${folder}/root'
state = '/run/containerd'
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.tracing.processor.v1.otlp', 'io.containerd.internal.v1.tracing']

[grpc]
  address = '${containerdSocket}'

[plugins.'io.containerd.internal.v1.opt']
  path = '${folder}/opt'

[plugins.'io.containerd.cri.v1.images']
  snapshotter = '${snapshotter}'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '${pauseImage}'

[plugins.'io.containerd.cri.v1.runtime']
  # A machine may forbid lowering oom_score_adj, which fails every sandbox unless containerd keeps to what is allowed.
  restrict_oom_score_adj = true
  enable_selinux = false
  disable_apparmor = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['/usr/lib/cni']
    conf_dir = '${folder}/cni'
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = 'runc'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = 'io.containerd.runc.v2'
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        SystemdCgroup = false

`;
}

export function renderCniConfig(layout: ClusterLayout): string {
  const config = {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isDefaultGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: layout.podRange }]],
          // The nodes of a cluster share the range, so also the record of what is given out.
          dataDir: join(layout.folder, 'pod-addresses'),
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

export function renderKubeletConfig(layout: ClusterLayout, place: NodePlace): string {
  const file = (name: string) => join(layout.certificates, name);
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: layout.nodeAddress,
    port: place.kubeletPort,
    healthzBindAddress: '127.0.0.1',
    healthzPort: place.healthPort,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: file('authority.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: file('kubelet-server.crt'),
    tlsPrivateKeyFile: file('kubelet-server.key'),
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    clusterDomain: 'cluster.local',
    clusterDNS: [layout.nodeAddress],
    // Names of the machine's own network are none of a pod's.
    resolvConf: '',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${place.cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    makeIPTablesUtilChains: false,
    serializeImagePulls: false,
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '50Mi' },
    volumePluginDir: join(place.folder, 'kubelet-volume-plugins'),
    nodeStatusUpdateFrequency: '5s',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

export function renderKubeProxyConfig(layout: ClusterLayout): string {
  const config = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    bindAddress: layout.nodeAddress,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    hostnameOverride: nodeName,
    clusterCIDR: layout.podRange,
    clientConnection: { kubeconfig: kubeconfigPath(layout, 'kube-proxy') },
    // Zero leaves the machine's own limits of connection tracking alone.
    conntrack: { maxPerCore: 0, min: 0 },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
