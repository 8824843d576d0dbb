/** One certificate authority per cluster and what it signs: servers, and clients known by their groups. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterLayout } from './layout.ts';
import { nodeName } from './layout.ts';
import { runCommand } from './processes.ts';

export interface CertificateRequest {
  /** File name without its ending: `.crt` and `.key` are written. */
  readonly file: string;
  readonly commonName: string;
  readonly organization?: string;
  /** Names and addresses of a server, `DNS:…` and `IP:…`; a client has none. */
  readonly names?: readonly string[];
}

/** All certificates of a cluster but for the authority's own. */
export function certificateRequests(layout: ClusterLayout): CertificateRequest[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  return [
    {
      file: 'kube-apiserver',
      commonName: 'kube-apiserver',
      names: [
        ...['localhost', ...service].map((name) => `DNS:${name}`),
        ...['127.0.0.1', layout.nodeAddress, layout.kubernetesAddress].map((address) => `IP:${address}`),
      ],
    },
    { file: 'kubelet-server', commonName: nodeName, names: [`DNS:${nodeName}`, `IP:${layout.nodeAddress}`] },
    { file: 'admin', commonName: 'admin', organization: 'system:masters' },
    { file: 'kubelet-client', commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' },
    { file: 'front-proxy', commonName: 'front-proxy-client' },
    { file: 'kube-controller-manager', commonName: 'system:kube-controller-manager' },
    { file: 'kube-scheduler', commonName: 'system:kube-scheduler' },
    { file: 'kube-proxy', commonName: 'system:kube-proxy' },
    { file: 'kubelet', commonName: `system:node:${nodeName}`, organization: 'system:nodes' },
  ];
}

function certificateArguments(folder: string, request: CertificateRequest): string[] {
  const organization = request.organization === undefined ? '' : `/O=${request.organization}`;
  const usage = request.names === undefined ? 'clientAuth' : 'serverAuth';
  const names = request.names === undefined ? [] : ['-addext', `subjectAltName=${request.names.join(',')}`];
  return [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '365'],
    ...['-CA', join(folder, 'authority.crt'), '-CAkey', join(folder, 'authority.key')],
    ...['-subj', `${organization}/CN=${request.commonName}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', `extendedKeyUsage=${usage}`, ...names],
    ...['-keyout', join(folder, `${request.file}.key`), '-out', join(folder, `${request.file}.crt`)],
  ];
}

/** Signs one more certificate. */
export function signCertificate({ certificates }: ClusterLayout, request: CertificateRequest): void {
  runCommand('openssl', certificateArguments(certificates, request));
}

/** Writes authority, certificates and the key pair of service account tokens into the cluster's folder. */
export function makeCertificates(layout: ClusterLayout): void {
  const folder = layout.certificates;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  runCommand('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '365'],
    ...['-subj', `/CN=dualparal-${layout.name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature'],
    ...['-keyout', join(folder, 'authority.key'), '-out', join(folder, 'authority.crt')],
  ]);
  for (const request of certificateRequests(layout)) signCertificate(layout, request);
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  writeFileSync(join(folder, 'service-accounts.key'), pair.privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'service-accounts.pub'), pair.publicKey);
}
