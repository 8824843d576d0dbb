/** etcd, API server, controller manager and scheduler: their flags and the order in which they start. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AUDIT_POLICY, auditFiles } from './audit.ts';
import type { Bed } from './bed.ts';
import { type Component, startComponent } from './component.ts';
import { apiServerUrl, kubeconfigPath } from './kubeconfig.ts';
import { apiServerPort, type ClusterLayout } from './layout.ts';
import { waitForAnswer, waitForReadyz } from './ready.ts';

const etcdUrl = 'http://127.0.0.1:2379';

export function etcdComponent(layout: ClusterLayout): Component {
  return {
    name: 'etcd',
    command: 'etcd',
    args: [
      '--name=default',
      `--data-dir=${join(layout.folder, 'etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      '--initial-advertise-peer-urls=http://127.0.0.1:2380',
      '--initial-cluster=default=http://127.0.0.1:2380',
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
  };
}

/** With `audit`, what service accounts ask for is written down. */
export function apiServerComponent(layout: ClusterLayout, audit = false): Component {
  const { policy, log } = auditFiles(layout);
  const file = (name: string) => join(layout.certificates, name);
  return {
    name: 'kube-apiserver',
    command: 'kube-apiserver',
    args: [
      `--etcd-servers=${etcdUrl}`,
      `--bind-address=${layout.nodeAddress}`,
      `--advertise-address=${layout.nodeAddress}`,
      `--secure-port=${apiServerPort}`,
      `--service-cluster-ip-range=${layout.serviceRange}`,
      '--allow-privileged=true',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement',
      ...(audit ? [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`] : []),
      '--profiling=false',
      `--client-ca-file=${file('authority.crt')}`,
      `--tls-cert-file=${file('kube-apiserver.crt')}`,
      `--tls-private-key-file=${file('kube-apiserver.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${file('service-accounts.pub')}`,
      `--service-account-signing-key-file=${file('service-accounts.key')}`,
      `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
      `--kubelet-client-key=${file('kubelet-client.key')}`,
      `--kubelet-certificate-authority=${file('authority.crt')}`,
      '--kubelet-preferred-address-types=InternalIP',
      // Both client authorities are one here, so the names allowed to speak for others must be said.
      `--requestheader-client-ca-file=${file('authority.crt')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${file('front-proxy.crt')}`,
      `--proxy-client-key-file=${file('front-proxy.key')}`,
    ],
  };
}

function clientArguments(layout: ClusterLayout, name: string): string[] {
  const kubeconfig = kubeconfigPath(layout, name);
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    '--profiling=false',
  ];
}

export function controllerManagerComponent(layout: ClusterLayout): Component {
  const file = (name: string) => join(layout.certificates, name);
  return {
    name: 'kube-controller-manager',
    command: 'kube-controller-manager',
    args: [
      ...clientArguments(layout, 'kube-controller-manager'),
      `--root-ca-file=${file('authority.crt')}`,
      `--service-account-private-key-file=${file('service-accounts.key')}`,
      `--cluster-signing-cert-file=${file('authority.crt')}`,
      `--cluster-signing-key-file=${file('authority.key')}`,
      `--service-cluster-ip-range=${layout.serviceRange}`,
      '--use-service-account-credentials=true',
    ],
  };
}

export function schedulerComponent(layout: ClusterLayout): Component {
  return {
    name: 'kube-scheduler',
    command: 'kube-scheduler',
    args: clientArguments(layout, 'kube-scheduler'),
  };
}

/** Starts the four and returns when the API server answers `ok`. */
export async function startControlPlane(
  layout: ClusterLayout,
  bed: Bed,
  audit: boolean,
  report: (line: string) => void,
): Promise<void> {
  mkdirSync(join(layout.folder, 'etcd'), { recursive: true, mode: 0o700 });
  if (audit) writeFileSync(auditFiles(layout).policy, JSON.stringify(AUDIT_POLICY));
  report('starting etcd and the API server');
  startComponent(layout, bed, etcdComponent(layout));
  await waitForAnswer(layout, bed, ['etcd'], '127.0.0.1', 2379);
  startComponent(layout, bed, apiServerComponent(layout, audit));
  // The controller manager ends at once if the API server is not wholly ready.
  await waitForReadyz(layout, apiServerUrl(layout));
  report('starting the controller manager and the scheduler');
  startComponent(layout, bed, controllerManagerComponent(layout));
  startComponent(layout, bed, schedulerComponent(layout));
}
