import { expect, test } from 'vitest';
import { certificateRequests } from './certificates.ts';
import { apiServerComponent, controllerManagerComponent, etcdComponent, schedulerComponent } from './control-plane.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import { clusterLayout } from './layout.ts';

const layout = clusterLayout('a', 3);

test('every component listens on loopback or on the node’s address', () => {
  const components = [etcdComponent, apiServerComponent, controllerManagerComponent, schedulerComponent];
  const listening = components.flatMap((component) =>
    component(layout).args.filter((argument) => /^--(bind-address|listen-\w+-urls)=/.test(argument)),
  );
  expect(listening).toEqual([
    '--listen-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--bind-address=10.90.3.2',
    '--bind-address=127.0.0.1',
    '--bind-address=127.0.0.1',
  ]);
});

test('the API server asks for rights and switches no admission plugin off', () => {
  const { args } = apiServerComponent(layout);
  expect(args).toContain('--authorization-mode=Node,RBAC');
  expect(args.filter((argument) => argument.startsWith('--disable'))).toEqual([]);
});

test('the API server’s certificate holds for all of its addresses and for its service', () => {
  const server = certificateRequests(layout).find((request) => request.file === 'kube-apiserver');
  expect(server?.names).toEqual(
    expect.arrayContaining(['IP:10.90.3.2', 'IP:10.92.3.1', 'IP:127.0.0.1', 'DNS:kubernetes.default.svc']),
  );
});

test('a kubeconfig shows its own certificate to the cluster’s server', () => {
  expect(JSON.parse(renderKubeconfig(layout, 'kubelet'))).toMatchObject({
    clusters: [{ cluster: { server: 'https://10.90.3.2:6443' } }],
    users: [{ user: { 'client-certificate': '/tmp/dualparal-cluster/a/certificates/kubelet.crt' } }],
  });
});
