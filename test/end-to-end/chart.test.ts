/** The chart's life with real Helm: install, a film, upgrade and rollback in mid-run, uninstall; and its roles, request by request. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createAuthority, createServerCertificate } from '../../operator/progress/certificate.ts';
import { type Rule, requestsOf, unusedGrants } from '../cluster/audit.ts';
import { type Cluster, stopCluster } from '../cluster/cluster.ts';
import { localClaim } from '../cluster/persistent-volume.ts';
import { clusterSupport } from '../cluster/support.ts';
import { filmManifest, type Kubectl, kubectlOf, NAMESPACE, startBed, statusOf, waitForPhase } from './bed.ts';
import { CHART, helmOf } from './helm.ts';
import { sidecarPolicy } from './sidecar.ts';

const ROOT = join(import.meta.dirname, '../..');
const NAME = 'chart';
const SYSTEM = 'dualparal-system';
const USER = `system:serviceaccount:${SYSTEM}:dualparal-operator`;
const DEPLOYMENT = 'deployment/dualparal-operator';
const MAKER = `system:serviceaccount:${NAMESPACE}:default`;
const CRD = 'videogenerations.dualparal.io';
const support = clusterSupport();
const DEFAULTS = { tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }] };
/** Long enough for something to happen meanwhile. */
const LONG = { length: { frames: 401 } };

let cluster: Cluster;
let kubectl: Kubectl;

async function helm(...args: readonly string[]): Promise<string> {
  const inNamespace = args.includes('--namespace') ? [] : ['--namespace', SYSTEM];
  const answer = await helmOf(cluster)([...args, ...inNamespace]);
  expect(answer, `helm ${args.join(' ')}`).toMatchObject({ code: 0 });
  return answer.stdout;
}
/** As the README says it. */
async function install(...args: readonly string[]): Promise<string> {
  const line = /^helm (install .*?) +#/m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
  return helm(...line.split(/ +/), '--wait', '--timeout', '4m', ...args);
}
const upgrade = (...args: readonly string[]) =>
  helm('upgrade', 'dualparal', CHART, '--wait', '--timeout', '4m', ...args);
const apply = (manifest: string) => kubectl(['apply', '-f', '-'], manifest);
const end = (name: string) => waitForPhase(kubectl, name, ['Succeeded', 'Failed']);

/** Names of the operator's pods that are not on their way out. */
async function operatorPods(): Promise<readonly string[]> {
  const text = await kubectl(['-n', SYSTEM, 'get', 'pods', '-o', 'json']);
  const pods = JSON.parse(text).items as readonly { metadata: { name: string; deletionTimestamp?: string } }[];
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name);
}

/** The film's pods and Jobs by kind and uid. */
async function childrenOf(film: string): Promise<readonly string[]> {
  const path = '{range .items[*]}{.kind}/{.metadata.uid}{"\\n"}{end}';
  const label = `dualparal.io/video-generation=${film}`;
  return (await kubectl(['-n', NAMESPACE, 'get', 'jobs,pods', '-l', label, '-o', `jsonpath=${path}`]))
    .trim()
    .split('\n');
}

/** Stops the operator, does something, and starts it again. */
async function withoutOperator(work: () => Promise<unknown>): Promise<void> {
  const scale = (replicas: number) => kubectl(['-n', SYSTEM, 'scale', DEPLOYMENT, `--replicas=${replicas}`]);
  await scale(0);
  const pods = ['-n', SYSTEM, 'get', 'pods', '-o', 'name'];
  await vi.waitUntil(async () => (await kubectl(pods)) === '', { timeout: 60_000, interval: 500 });
  await work();
  await scale(2);
  await kubectl(['-n', SYSTEM, 'rollout', 'status', DEPLOYMENT, '--timeout=240s']);
}

/** Rules of all roles that are bound to the operator's service account. */
async function operatorRules(): Promise<readonly Rule[]> {
  const kinds = 'clusterroles,roles,clusterrolebindings,rolebindings';
  const { items } = JSON.parse(await kubectl(['get', kinds, '-A', '-o', 'json']));
  const isOurs = (subject: { name: string; namespace?: string }) =>
    subject.name === 'dualparal-operator' && subject.namespace === SYSTEM;
  const bound = items.filter(({ subjects }: { subjects?: [] }) => subjects?.some(isOurs));
  return bound.flatMap(({ metadata, roleRef }: { metadata: { namespace?: string }; roleRef: Reference }) => {
    const inNamespace = roleRef.kind === 'Role' ? metadata.namespace : undefined;
    const role = items.find((item: Role) => isRole(item, roleRef, inNamespace));
    const namespace = metadata.namespace;
    return role.rules.map((rule: Rule) => ({ ...rule, ...(namespace === undefined ? {} : { namespace }) }));
  });
}
interface Reference {
  readonly kind: string;
  readonly name: string;
}
interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}
function isRole({ kind, metadata }: Role, reference: Reference, namespace: string | undefined): boolean {
  return kind === reference.kind && metadata.name === reference.name && metadata.namespace === namespace;
}

/**
 * The API server asks for these two rights itself (OwnerReferencesPermissionEnforcement, which the bed has switched on) when an
 * object names an owner that blocks deletion: whoever made a Job used the first, whoever made its ConfigMap the second.
 */
const USED_BY_OWNERS = {
  'update dualparal.io/videogenerations/finalizers': { verb: 'create', resource: 'jobs' },
  'update batch/jobs/finalizers': { verb: 'create', resource: 'configmaps' },
} as const;

/** What is wrong with the roles: what was asked for and refused, what was allowed and never asked for. */
async function roleProblems(): Promise<{ refused: readonly string[]; unused: readonly string[] }> {
  const requests = requestsOf(cluster, USER);
  const refused = requests.filter(({ allowed }) => !allowed).map(({ verb, uri }) => `${verb} ${uri}`);
  const unused = unusedGrants(await operatorRules(), requests).filter((grant) => {
    const use = Object.entries(USED_BY_OWNERS).find(([name]) => grant.startsWith(name))?.[1];
    return !requests.some(({ verb, resource }) => verb === use?.verb && resource === use.resource);
  });
  return { refused: [...new Set(refused)], unused };
}

describe.skipIf(!support.ok)(`the chart${support.ok ? '' : ` (skipped: ${support.reason})`}`, () => {
  beforeAll(async () => {
    cluster = await startBed(NAME, { audit: true });
    kubectl = kubectlOf(cluster);
  });
  afterAll(() => stopCluster(NAME));

  test('installs two replicas of which one leads, and says the next two commands', async () => {
    const notes = await install('--set-json', `runner.defaults=${JSON.stringify(DEFAULTS)}`);
    expect(notes).toContain(`kubectl -n ${SYSTEM} rollout status ${DEPLOYMENT}`);
    expect(notes).toContain('kubectl apply -f - <<EOF');
    const pods = await operatorPods();
    expect(pods).toHaveLength(2);
    const lease = ['-n', SYSTEM, 'get', 'lease', 'dualparal-operator', '-o', 'jsonpath={.spec.holderIdentity}'];
    const holds = async () => {
      const holder = await kubectl(lease);
      return pods.some((pod) => holder.startsWith(pod));
    };
    await vi.waitUntil(holds, { timeout: 60_000 });
  });

  test('makes a film under its role, with the defaults that it gives every runner', async () => {
    await apply(filmManifest('film'));
    await waitForPhase(kubectl, 'film', ['Starting', 'Running']);
    const job = ['-n', NAMESPACE, 'get', 'jobs', '-l', 'dualparal.io/video-generation=film'];
    const tolerations = await kubectl([...job, '-o', 'jsonpath={.items[0].spec.template.spec.tolerations}']);
    expect(JSON.parse(tolerations)).toEqual(DEFAULTS.tolerations);
    expect(await end('film')).toMatchObject({ phase: 'Succeeded', progress: { percent: 100 } });
  });

  test('is upgraded and rolled back in mid-run, and the running attempt does not change', async () => {
    await apply(filmManifest('through', LONG));
    await waitForPhase(kubectl, 'through', ['Running']);
    const [children, first] = [await childrenOf('through'), await operatorPods()];
    await upgrade('--set', 'logLevel=debug', '--set', 'runner.image.tag=other');
    const second = await operatorPods();
    expect(second.filter((pod) => first.includes(pod))).toEqual([]);
    expect(await childrenOf('through')).toEqual(children);
    await helm('rollback', 'dualparal', '1', '--wait', '--timeout', '4m');
    expect((await operatorPods()).filter((pod) => second.includes(pod))).toEqual([]);
    expect(await childrenOf('through')).toEqual(children);
    const status = await end('through');
    expect(status).toMatchObject({ phase: 'Succeeded', attempts: [{ outcome: 'Succeeded', exitCode: 0 }] });
    expect(children).toContain(`Pod/${status.attempts?.[0]?.podUid}`);
  });

  test('the API server asks who names an owner that blocks deletion for the right to', async () => {
    await kubectl(['-n', NAMESPACE, 'create', 'role', 'maker', '--verb=create', '--resource=configmaps']);
    await kubectl(['-n', NAMESPACE, 'create', 'rolebinding', 'maker', '--role=maker', `--user=${MAKER}`]);
    const uid = await kubectl(['-n', NAMESPACE, 'get', 'vg', 'film', '-o', 'jsonpath={.metadata.uid}']);
    const owner = { apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', name: 'film', uid };
    const make = (blocks: boolean) => {
      const metadata = { name: `owned-${blocks}`, ownerReferences: [{ ...owner, blockOwnerDeletion: blocks }] };
      const input = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
      return cluster.kubectl(['-n', NAMESPACE, 'create', '-f', '-', `--as=${MAKER}`], { input });
    };
    expect(await make(false)).toMatchObject({ code: 0 });
    expect(await make(true)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot set blockOwnerDeletion'),
    });
  });

  test('has a role for all that it asks for, and asks for all that is in its role', async () => {
    await apply(sidecarPolicy('meshed'));
    const waits = { parallelism: { gpus: 16 } };
    await apply(filmManifest('waits', waits));
    const reasonIs = (reason: string) =>
      vi.waitUntil(async () => (await statusOf(kubectl, 'waits')).reason === reason, { timeout: 120_000 });
    await reasonIs('Unschedulable');
    // What is gone is looked for by its name, and what is told again goes to the event that told it first.
    for (const kind of ['Pod', 'Pod', 'Job']) {
      const before = await childrenOf('waits');
      await kubectl(['-n', NAMESPACE, 'delete', kind, '-l', 'dualparal.io/video-generation=waits']);
      const isNew = async () =>
        (await childrenOf('waits')).some((child) => child.startsWith(kind) && !before.includes(child));
      await vi.waitUntil(isNew, { timeout: 120_000, interval: 500 });
      await reasonIs('Unschedulable');
    }
    // A film that became another one behind the operator's back: the Job of the old one is deleted. And a Secret that is damaged.
    await withoutOperator(async () => {
      const patch = ['-n', NAMESPACE, 'patch', 'vg', 'waits', '--type=merge'];
      await kubectl([...patch, '--subresource=status', '-p', '{"status":null}']);
      await kubectl([...patch, '-p', '{"spec":{"seed":8}}']);
      const secret = ['-n', SYSTEM, 'patch', 'secret', 'dualparal-operator-progress', '--type=merge'];
      await kubectl([...secret, '-p', '{"data":{"tls.crt":"","tls.key":""}}']);
    });
    await reasonIs('Unschedulable');
    await kubectl(['-n', NAMESPACE, 'delete', 'vg', 'waits']);
    // A pod whose other container outlives a runner that failed is deleted before the next try, and a film some time after its end.
    writeFileSync(cluster.silentGpus, '');
    try {
      const short = { parallelism: { gpus: 1 }, retries: { failures: 1 }, ttlAfterFinished: '5s' };
      await apply(filmManifest('meshed', short));
      const ofMeshed = ['-n', NAMESPACE, 'get', 'pods', '-l', 'dualparal.io/video-generation=meshed'];
      const containers = () => kubectl([...ofMeshed, '-o', 'jsonpath={.items[*].spec.containers[*].name}']);
      await vi.waitUntil(async () => (await containers()) === 'runner mesh-proxy', { timeout: 60_000 });
      const gone = async () => (await kubectl(['-n', NAMESPACE, 'get', 'vg', 'meshed', '--ignore-not-found'])) === '';
      await vi.waitUntil(gone, { timeout: 240_000, interval: 500 });
    } finally {
      rmSync(cluster.silentGpus);
    }
    expect(await roleProblems()).toEqual({ refused: [], unused: [] });
  });

  test('looks after the namespaces that it is told, with no right in others', async () => {
    await kubectl(['create', 'namespace', 'elsewhere']);
    await kubectl(['apply', '-f', '-'], localClaim(cluster, { namespace: 'elsewhere', name: 'films' }));
    await upgrade('--set', `watchNamespaces={${NAMESPACE}}`);
    const pods = await operatorPods();
    const foreign = JSON.parse(filmManifest('foreign'));
    await apply(JSON.stringify({ ...foreign, metadata: { name: 'foreign', namespace: 'elsewhere' } }));
    await apply(filmManifest('own'));
    expect(await end('own')).toMatchObject({ phase: 'Succeeded', progress: { percent: 100 } });
    expect(await kubectl(['-n', 'elsewhere', 'get', 'vg', 'foreign', '-o', 'jsonpath={.status.phase}'])).toBe('');
    const places = requestsOf(cluster, USER)
      .filter(({ pod, resource }) => pods.includes(pod) && resource !== 'tokenreviews')
      .map(({ namespace, allowed }) => `${namespace} ${allowed}`);
    expect(new Set(places)).toEqual(new Set([`${NAMESPACE} true`, `${SYSTEM} true`]));
  });

  test('takes a certificate that somebody else has made, and then needs no right to Secrets', async () => {
    const authority = createAuthority('dualparal-operator', new Date());
    const host = `dualparal-operator.${SYSTEM}.svc`;
    const { key, cert } = createServerCertificate(authority, host, new Date());
    const data = { 'tls.crt': cert, 'tls.key': key, 'ca.crt': authority.cert };
    const metadata = { name: 'progress', namespace: SYSTEM };
    await apply(
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', stringData: data }),
    );
    await upgrade('--set', 'progress.certificateSecret=progress');
    await apply(filmManifest('certified'));
    expect(await end('certified')).toMatchObject({ phase: 'Succeeded', progress: { percent: 100 } });
    expect(JSON.stringify(await operatorRules())).not.toContain('secrets');
  });

  test('is uninstalled without losing a film, not even one that runs, and goes on when it is back', async () => {
    // Before, since an operator that is taken away with its role may find the role gone first.
    expect((await roleProblems()).refused).toEqual([]);
    await apply(filmManifest('across', LONG));
    await waitForPhase(kubectl, 'across', ['Running']);
    const before = await kubectl(['-n', NAMESPACE, 'get', 'vg', '-o', 'name']);
    const children = await childrenOf('across');
    expect(await helm('uninstall', 'dualparal', '--wait')).toContain(CRD);
    expect(await kubectl(['-n', NAMESPACE, 'get', 'vg', '-o', 'name'])).toBe(before);
    expect(await childrenOf('across')).toEqual(children);
    expect(await statusOf(kubectl, 'film')).toMatchObject({ phase: 'Succeeded' });
    const left = [
      'get',
      'all,clusterroles,clusterrolebindings,pdb,roles,rolebindings,serviceaccounts',
      '-A',
      '-o',
      'name',
    ];
    // Helm waits for what it made; the Deployment's pods go after it, and have their grace period.
    const ofChart = ['-l', 'app.kubernetes.io/instance=dualparal'];
    await kubectl(['wait', '--for=delete', 'pods', '-n', SYSTEM, ...ofChart, '--timeout=90s']);
    expect((await kubectl([...left, ...ofChart])).trim()).toBe('');
    await install('--set', 'progress.certificateSecret=progress');
    const status = await end('across');
    expect(status).toMatchObject({ phase: 'Succeeded', progress: { percent: 100 } });
    expect(status.attempts).toMatchObject([{ outcome: 'Succeeded', exitCode: 0 }]);
  });
});
