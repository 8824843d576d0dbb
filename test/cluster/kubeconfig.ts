/** Kubeconfig files: who a component is to the API server. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { apiServerPort, type ClusterLayout } from './layout.ts';

export function apiServerUrl(layout: ClusterLayout): string {
  return `https://${layout.nodeAddress}:${apiServerPort}`;
}

/** A kubeconfig (JSON is YAML) that shows the named certificate to the cluster's API server. */
export function renderKubeconfig(layout: ClusterLayout, certificate: string): string {
  const file = (name: string) => join(layout.certificates, name);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: layout.name, cluster: { server: apiServerUrl(layout), 'certificate-authority': file('authority.crt') } },
    ],
    users: [
      {
        name: certificate,
        user: { 'client-certificate': file(`${certificate}.crt`), 'client-key': file(`${certificate}.key`) },
      },
    ],
    contexts: [{ name: layout.name, context: { cluster: layout.name, user: certificate, namespace: 'default' } }],
    'current-context': layout.name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Path of a component's kubeconfig. */
export function kubeconfigPath(layout: ClusterLayout, certificate: string): string {
  return join(dirname(layout.kubeconfig), certificate);
}

export function writeKubeconfig(layout: ClusterLayout, certificate: string): void {
  writeFileSync(kubeconfigPath(layout, certificate), renderKubeconfig(layout, certificate), { mode: 0o600 });
}

/** Writes the kubeconfigs of the administrator and of all components. */
export function writeKubeconfigs(layout: ClusterLayout): void {
  mkdirSync(dirname(layout.kubeconfig), { recursive: true, mode: 0o700 });
  for (const certificate of ['admin', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet']) {
    writeKubeconfig(layout, certificate);
  }
}
