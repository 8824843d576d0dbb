import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Cluster, stopCluster } from '../cluster/cluster.ts';
import { clusterSupport } from '../cluster/support.ts';
import {
  filmFile,
  filmManifest,
  filmsFolder,
  type Kubectl,
  kubectlOf,
  NAMESPACE,
  scaleOperator,
  startProduct,
  statusOf,
  waitForPhase,
} from './bed.ts';
import { admit, evict } from './stand-in-kueue.ts';

const NAME = 'life-cycle';
const support = clusterSupport();
const title = `a film's life on a real Kubernetes${support.ok ? '' : ` (skipped: ${support.reason})`}`;
/** Takes long enough to be met at work. */
const LONG = { length: { frames: 801 }, sampling: { steps: 40 } };
const WITHIN_MINUTES = { timeout: 240_000, interval: 300 };

describe.skipIf(!support.ok)(title, () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  const get = (what: string, film: string, output: string) =>
    kubectl(['-n', NAMESPACE, 'get', what, '-l', `dualparal.io/video-generation=${film}`, '-o', output]);
  const patch = (film: string, spec: object) =>
    kubectl(['-n', NAMESPACE, 'patch', 'vg', film, '--type=merge', '-p', JSON.stringify({ spec })]);
  const noPods = (film: string) =>
    vi.waitUntil(async () => (await get('pods', film, 'name')).trim() === '', { timeout: 120_000, interval: 300 });

  const scale = (replicas: number) => scaleOperator(kubectl, replicas);

  beforeAll(async () => {
    cluster = await startProduct(NAME);
    kubectl = kubectlOf(cluster);
  });

  afterAll(() => stopCluster(NAME));

  test('a stand-in for Kueue admits and evicts a film three times: one Job, one story, nothing counted against it', async () => {
    const manifest = JSON.parse(filmManifest('queued', LONG));
    manifest.metadata.labels = { 'kueue.x-k8s.io/queue-name': 'gpu' };
    await kubectl(['apply', '-f', '-'], JSON.stringify(manifest));
    await vi.waitUntil(async () => (await statusOf(kubectl, 'queued')).reason === 'Suspended', { timeout: 60_000 });
    expect(await statusOf(kubectl, 'queued')).toMatchObject({
      phase: 'Queued',
      message: expect.stringMatching(/queue gpu/),
    });
    const job = (await get('jobs', 'queued', 'jsonpath={.items[*].metadata.name}')).trim();
    for (let turn = 0; turn < 3; turn++) {
      await admit(kubectl, NAMESPACE, job);
      await waitForPhase(kubectl, 'queued', ['Running']);
      await evict(kubectl, NAMESPACE, job);
      await noPods('queued');
      expect((await waitForPhase(kubectl, 'queued', ['Queued', 'Succeeded', 'Failed'])).reason).toBe('Suspended');
    }
    await admit(kubectl, NAMESPACE, job);
    const status = await waitForPhase(kubectl, 'queued', ['Succeeded', 'Failed']);
    expect(status).toMatchObject({ phase: 'Succeeded', failures: 0, disruptions: 0 });
    const outcomes = status.attempts!.map((attempt) => attempt.outcome);
    expect(outcomes).toEqual(['Suspended', 'Suspended', 'Suspended', 'Succeeded']);
    expect((await get('jobs', 'queued', 'name')).trim().split('\n')).toHaveLength(1);
    // Each pod has a folder of its own: one that everybody believes dead writes over nothing of the next.
    const own = (uid?: string) => uid?.slice(0, 8);
    expect(status.output?.location).toContain(
      `/${job.slice('queued-'.length)}/${own(status.attempts?.at(-1)?.podUid)}/`,
    );
  });

  test('spec.suspend gives the GPUs back, and the film goes on when it is taken away, to the bits of one that was left alone', async () => {
    await kubectl(['apply', '-f', '-'], filmManifest('paused', LONG));
    await waitForPhase(kubectl, 'paused', ['Running']);
    await vi.waitUntil(async () => ((await statusOf(kubectl, 'paused')).progress?.percent ?? 0) >= 10, WITHIN_MINUTES);
    await patch('paused', { suspend: true });
    await waitForPhase(kubectl, 'paused', ['Suspended']);
    await noPods('paused');
    expect(await kubectl(['-n', NAMESPACE, 'get', 'vg', 'paused', '--no-headers'])).toMatch(/Suspended .*Suspended$/m);
    expect(await get('jobs', 'paused', 'name')).toBe('');
    await patch('paused', { suspend: false });
    await kubectl(['-n', NAMESPACE, 'wait', 'vg', 'paused', '--for=condition=Complete', '--timeout=240s']);
    const status = await statusOf(kubectl, 'paused');
    expect(status).toMatchObject({
      ...{ phase: 'Succeeded', failures: 0, disruptions: 0 },
      attempts: [{ outcome: 'Suspended', exitCode: 10 }, { outcome: 'Succeeded' }],
    });
    expect(await kubectl(['-n', NAMESPACE, 'logs', status.attempts?.at(-1)?.pod ?? ''])).toMatch(
      /going on after iteration \d+ of/,
    );
    await kubectl(['-n', NAMESPACE, 'delete', 'vg', 'paused', '--wait']);
    await noPods('paused');
    await kubectl(['apply', '-f', '-'], filmManifest('paused', LONG));
    await kubectl(['-n', NAMESPACE, 'wait', 'vg', 'paused', '--for=condition=Complete', '--timeout=240s']);
    const undisturbed = await statusOf(kubectl, 'paused');
    expect(undisturbed.attempts).toMatchObject([{ outcome: 'Succeeded' }]);
    expect(undisturbed.output?.sha256).toBe(status.output?.sha256);
  });

  test('a film that cannot start in time fails, gives its GPUs back and names what it waited for', async () => {
    const source = { image: { reference: 'localhost/no-such-model:1', pullPolicy: 'Never' } };
    const spec = { model: { ref: 'x', source }, deadlines: { start: '20s' } };
    await kubectl(['apply', '-f', '-'], filmManifest('late', spec));
    await kubectl(['-n', NAMESPACE, 'wait', 'vg', 'late', '--for=condition=Failed', '--timeout=180s']);
    const status = await statusOf(kubectl, 'late');
    expect(status).toMatchObject({ phase: 'Failed', reason: 'StartDeadlineExceeded' });
    expect(status.message).toMatch(/20s.*localhost\/no-such-model:1/);
    await noPods('late');
    expect(await get('jobs', 'late', 'name')).toBe('');
  });

  // The kubelet keeps immutable ConfigMaps by their names, and the Job of the second spec has the number of the first one's.
  test('a film whose status and spec were changed while no operator was there is made as its spec says now', async () => {
    await kubectl(['apply', '-f', '-'], filmManifest('changed', { length: { frames: 401 } }));
    await waitForPhase(kubectl, 'changed', ['Running']);
    await scale(0);
    const merge = ['-n', NAMESPACE, 'patch', 'vg', 'changed', '--type=merge'];
    await kubectl([...merge, '--subresource=status', '-p', '{"status":null}']);
    await patch('changed', { seed: 8 });
    await scale(2);
    const status = await waitForPhase(kubectl, 'changed', ['Succeeded', 'Failed']);
    expect(status).toMatchObject({ phase: 'Succeeded', failures: 0 });
    const record = join(dirname(filmFile(cluster, status.output!.location)), 'video.json');
    expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject({ of: { seed: 8 } });
  });

  test('the checkpoint of a film that is deleted while no operator is there goes with the next film, and nothing else of it does', async () => {
    await kubectl(['apply', '-f', '-'], filmManifest('forsaken', { ...LONG, checkpoint: { every: '1s' } }));
    const folder = join(filmsFolder(cluster), NAMESPACE, 'forsaken');
    const files = () => readdirSync(folder, { recursive: true, withFileTypes: true });
    const paths = () => files().flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
    const goesOn = (path: string) => /\/checkpoint\/[^/]+$/.test(path);
    const isAt = async () => ((await statusOf(kubectl, 'forsaken')).progress?.percent ?? 0) >= 10;
    await vi.waitUntil(isAt, WITHIN_MINUTES);
    await scale(0);
    await kubectl(['-n', NAMESPACE, 'delete', 'vg', 'forsaken', '--wait']);
    await noPods('forsaken');
    const before = paths();
    expect(before.map((path) => basename(path))).toContainEqual(expect.stringMatching(/^state-\d+\.f32$/));
    await scale(2);
    await kubectl(['apply', '-f', '-'], filmManifest('next'));
    expect(await waitForPhase(kubectl, 'next', ['Succeeded', 'Failed'])).toMatchObject({ phase: 'Succeeded' });
    await vi.waitUntil(() => !paths().some(goesOn), WITHIN_MINUTES);
    expect(paths().sort()).toEqual(before.filter((path) => !goesOn(path)).sort());
  });

  test('a film goes after its time, and its file stays', async () => {
    await kubectl(['apply', '-f', '-'], filmManifest('short', { ttlAfterFinished: '1s' }));
    await kubectl(['-n', NAMESPACE, 'wait', 'vg', 'short', '--for=delete', '--timeout=240s']);
    const folder = join(filmsFolder(cluster), NAMESPACE, 'short');
    const files = readdirSync(folder, { recursive: true }).map(String);
    expect(files.filter((file) => file.endsWith('video.mp4'))).toHaveLength(1);
  });
});
