/** What the chart and what lies beside it say, judged by real tools and a real API server; nothing is installed. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { deployFiles } from '../../charts/deploy.ts';
import { type Cluster, startCluster, stopCluster } from '../cluster/cluster.ts';
import { clusterSupport } from '../cluster/support.ts';
import { type Kubectl, kubectlOf } from './bed.ts';
import { CHART, helmOf, helmPath } from './helm.ts';

const NAME = 'chart-manifests';
const ROOT = join(import.meta.dirname, '../..');
const support = clusterSupport();

/** Everything that can be switched on, at once. */
const ALL = {
  watchNamespaces: ['films', 'studio'],
  replicas: 3,
  image: { digest: `sha256:${'0'.repeat(64)}` },
  imagePullSecrets: [{ name: 'pull' }],
  runner: {
    defaults: {
      nodeSelector: { 'nvidia.com/gpu.product': 'H100' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      resources: { requests: { cpu: 8, memory: '64Gi' } },
    },
  },
  allowHostPath: true,
  extraEnv: [{ name: 'NODE_OPTIONS', value: '--trace-warnings' }],
  progress: { certManager: { enabled: true, issuerRef: { name: 'company' } } },
  networkPolicy: {
    enabled: true,
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    runnerEgress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }],
  },
  metrics: { serviceMonitor: { enabled: true, labels: { release: 'prometheus' } }, dashboard: { enabled: true } },
  podLabels: { team: 'video' },
  podAnnotations: { note: 'text' },
  serviceAccount: { annotations: { note: 'text' } },
  service: { annotations: { note: 'text' } },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'system-cluster-critical',
};

/** Kinds of others, as far as the chart makes objects of them: their own schemas are not had here. */
const STAND_INS = [
  { group: 'cert-manager.io', kind: 'Certificate', plural: 'certificates' },
  { group: 'monitoring.coreos.com', kind: 'ServiceMonitor', plural: 'servicemonitors' },
].map(({ group, kind, plural }) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    names: { kind, plural, singular: kind.toLowerCase() },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}));

let cluster: Cluster;
let kubectl: Kubectl;
let helm: ReturnType<typeof helmOf>;
let everything: string;

async function rendered(...args: readonly string[]): Promise<string> {
  const answer = await helm(['template', 'dualparal', CHART, '--namespace', 'dualparal-system', ...args]);
  expect(answer).toMatchObject({ code: 0 });
  return answer.stdout;
}

/** Asked again, since kubectl gives up on a definition that has no status at all yet. */
async function established(...names: readonly string[]): Promise<void> {
  const wait = ['wait', '--for=condition=Established', '--timeout=60s', ...names];
  await vi.waitUntil(async () => (await cluster.kubectl(wait)).code === 0, { timeout: 120_000, interval: 500 });
}

describe.skipIf(!support.ok)(`the chart's manifests${support.ok ? '' : ` (skipped: ${support.reason})`}`, () => {
  beforeAll(async () => {
    cluster = await startCluster({ name: NAME, report: (line) => process.stderr.write(`[${NAME}] ${line}\n`) });
    [kubectl, helm] = [kubectlOf(cluster), helmOf(cluster)];
    everything = join(cluster.folder, 'values.json');
    writeFileSync(everything, JSON.stringify(ALL));
    for (const name of ['dualparal-system', 'films', 'studio']) await kubectl(['create', 'namespace', name]);
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: STAND_INS }));
    const names = STAND_INS.map(({ metadata }) => `crd/${metadata.name}`);
    await established(...names);
  });
  afterAll(() => stopCluster(NAME));

  test('helm lint --strict has nothing to say, as it is and with everything switched on', async () => {
    for (const values of [[], ['--values', everything]]) {
      const { code, stdout } = await helm(['lint', '--strict', ...values, CHART]);
      expect([code, stdout]).toEqual([0, expect.stringContaining('1 chart(s) linted, 0 chart(s) failed')]);
      expect(stdout).not.toMatch(/\[(INFO|WARNING|ERROR)\]/);
    }
  });

  test('the API server takes what is rendered, as it is and with everything switched on', async () => {
    for (const values of [[], ['--values', everything]]) {
      const manifests = await rendered(...values);
      const answer = await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], { input: manifests });
      expect(answer).toMatchObject({ code: 0, stderr: '' });
    }
  });

  test('deploy/ is what the chart renders', () => {
    const folder = join(ROOT, 'deploy');
    const there = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);
    expect(Object.fromEntries(there), 'node charts/deploy.ts writes it').toEqual(deployFiles(helmPath()));
  });

  test('with namespaces to look after, no role reaches further but for the review of tokens', async () => {
    const objects = parseAllDocuments(await rendered('--values', everything)).map((document) => document.toJSON());
    const roles = objects.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');
    const operators = roles.filter(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === 'operator');
    const places = operators.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`);
    expect(places.sort()).toEqual([
      'ClusterRole  dualparal-operator-dualparal-system',
      'Role dualparal-system dualparal-operator',
      'Role films dualparal-films',
      'Role studio dualparal-films',
    ]);
    expect(operators.find(({ kind }) => kind === 'ClusterRole').rules).toEqual([
      { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    ]);
    // Somebody else makes the certificate, so no Secret is touched.
    expect(JSON.stringify(operators)).not.toContain('secrets');
  });

  test.each([
    ['a value that there is not', 'imag.tag=1', "additional properties 'imag' not allowed"],
    ['no replica', 'replicas=0', "at '/replicas'"],
    [
      'a field that no runner has',
      'runner.defaults.nodeSelektor.gpu=a',
      "additional properties 'nodeSelektor' not allowed",
    ],
    ['GPUs in two places', 'runner.defaults.resources.limits.nvidia\\.com/gpu=8', 'nvidia.com~1gpu'],
    ['a namespace that cannot be', 'watchNamespaces={Films}', "at '/watchNamespaces/0'"],
    ['cert-manager without an issuer', 'progress.certManager.enabled=true', 'issuerRef.name must be given'],
  ])('%s is refused before anything is rendered', async (_what, value, message) => {
    const { code, stderr } = await helm(['template', 'dualparal', CHART, '--set', value]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  test('Kustomize renames what a film refers to, and changes its images', async () => {
    const folder = join(cluster.folder, 'kustomize');
    mkdirSync(folder);
    const film = { apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata: { name: 'film' } };
    const claim = (name: string) => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: {} });
    const named = (kind: string, name: string) => ({ apiVersion: 'v1', kind, metadata: { name } });
    const spec = {
      queueName: 'films',
      model: { ref: 'a', source: { persistentVolumeClaim: { claimName: 'models', path: 'a' } } },
      output: { persistentVolumeClaim: { claimName: 'films' } },
      runner: {
        image: 'runner',
        serviceAccountName: 'maker',
        imagePullSecrets: [{ name: 'pull' }],
        devices: { resourceClaimTemplateName: 'gpus' },
      },
    };
    const other = { model: { ref: 'b', source: { image: { reference: 'model:1' } } }, output: spec.output };
    const files: Readonly<Record<string, unknown>> = {
      'kustomization.yaml': {
        namePrefix: 'team-',
        resources: ['objects.yaml'],
        configurations: ['kustomizeconfig.yaml'],
        images: [
          { name: 'runner', newName: 'mirror/runner', newTag: '2' },
          { name: 'model', digest: `sha256:${'1'.repeat(64)}` },
        ],
      },
      'objects.yaml': {
        apiVersion: 'v1',
        kind: 'List',
        items: [
          ...[claim('models'), claim('films'), named('ServiceAccount', 'maker'), named('Secret', 'pull')],
          { ...named('ResourceClaimTemplate', 'gpus'), apiVersion: 'resource.k8s.io/v1' },
          { ...named('LocalQueue', 'films'), apiVersion: 'kueue.x-k8s.io/v1beta2' },
          { ...film, spec },
          { ...film, metadata: { name: 'other' }, spec: other },
        ],
      },
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
    const config = readFileSync(join(ROOT, 'charts/kustomize/kustomizeconfig.yaml'));
    writeFileSync(join(folder, 'kustomizeconfig.yaml'), config);
    const objects = parseAllDocuments(await kubectl(['kustomize', folder])).map((document) => document.toJSON());
    const films = objects.filter(({ kind }) => kind === 'VideoGeneration').map((object) => object.spec);
    expect(films).toEqual([
      {
        queueName: 'team-films',
        model: { ref: 'a', source: { persistentVolumeClaim: { claimName: 'team-models', path: 'a' } } },
        output: { persistentVolumeClaim: { claimName: 'team-films' } },
        runner: {
          image: 'mirror/runner:2',
          serviceAccountName: 'team-maker',
          imagePullSecrets: [{ name: 'team-pull' }],
          devices: { resourceClaimTemplateName: 'team-gpus' },
        },
      },
      {
        model: { ref: 'b', source: { image: { reference: `model@sha256:${'1'.repeat(64)}` } } },
        output: { persistentVolumeClaim: { claimName: 'team-films' } },
      },
    ]);
  });

  test('the example that public chart indexes show is a film that the API server takes', async () => {
    const { annotations } = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    await kubectl(['apply', '-f', join(ROOT, 'crds')]);
    await established('crd/videogenerations.dualparal.io');
    const items = parse(annotations['artifacthub.io/crdsExamples']);
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await kubectl(['apply', '--dry-run=server', '-f', '-'], list);
  });
});
