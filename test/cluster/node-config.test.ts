import { expect, test } from 'vitest';
import { clusterLayout, firstNode, secondNode } from './layout.ts';
import { renderCniConfig, renderContainerdConfig, renderKubeletConfig, renderKubeProxyConfig } from './node-config.ts';

const layout = clusterLayout('a', 3);

test('containerd keeps its files in the cluster’s folder and stacks images as chosen', () => {
  const config = renderContainerdConfig(firstNode(layout), 'native');
  expect(config).toContain("root = '/tmp/dualparal-cluster/a/containerd/root'");
  expect(config).toContain("  snapshotter = 'native'");
  expect(config).toContain("    sandbox = 'localhost/dualparal-pause:1'");
  expect(config).toContain('  restrict_oom_score_adj = true');
  expect(config).not.toMatch(/'\/(opt|etc|var)\b/);
});

test('pods get addresses of the cluster’s own range', () => {
  const { plugins } = JSON.parse(renderCniConfig(layout));
  expect(plugins[0].ipam).toEqual({
    type: 'host-local',
    ranges: [[{ subnet: '10.91.3.0/24' }]],
    dataDir: '/tmp/dualparal-cluster/a/pod-addresses',
  });
});

test('the kubelet listens on the node’s address alone, and only to those whom the API server lets', () => {
  expect(JSON.parse(renderKubeletConfig(layout, firstNode(layout)))).toMatchObject({
    address: '10.90.3.2',
    healthzBindAddress: '127.0.0.1',
    authentication: { anonymous: { enabled: false } },
    authorization: { mode: 'Webhook' },
    cgroupRoot: '/dualparal-a',
    clusterDNS: ['10.90.3.2'],
  });
});

test('a second node shares the address, and no port, folder, cgroup or name', () => {
  const [first, second] = [firstNode(layout), secondNode(layout)];
  for (const [key, value] of Object.entries(first)) expect(second).not.toHaveProperty(key, value);
  expect(JSON.parse(renderKubeletConfig(layout, second))).toMatchObject({
    address: '10.90.3.2',
    cgroupRoot: '/dualparal-a/second',
  });
});

test('kube-proxy leaves the machine’s limits of connection tracking alone', () => {
  expect(JSON.parse(renderKubeProxyConfig(layout))).toMatchObject({
    mode: 'iptables',
    clusterCIDR: '10.91.3.0/24',
    conntrack: { maxPerCore: 0, min: 0 },
  });
});
