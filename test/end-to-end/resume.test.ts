import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Cluster, stopCluster } from '../cluster/cluster.ts';
import { clusterSupport } from '../cluster/support.ts';
import { filmManifest, type Kubectl, kubectlOf, NAMESPACE, startProduct, statusOf } from './bed.ts';

const NAME = 'resume';
/** One after another: a film carries its name. */
const FILM = 'lighthouse';
const support = clusterSupport();
const title = `a film that is interrupted on a real Kubernetes${support.ok ? '' : ` (skipped: ${support.reason})`}`;
/** Takes long enough to be met at work. */
const LONG = {
  length: { frames: 801 },
  sampling: { steps: 40 },
  checkpoint: { every: '1s' },
  retries: { failures: 0, disruptions: 5 },
};
const WITHIN_MINUTES = { timeout: 240_000, interval: 300 };

describe.skipIf(!support.ok)(title, () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  /** The film of one that was left alone. */
  let undisturbed: string | undefined;
  const ITS = ['-n', NAMESPACE, '-l', `dualparal.io/video-generation=${FILM}`];
  const runningPods = async () =>
    (await kubectl(['get', 'pods', ...ITS, '--field-selector=status.phase=Running', '-o', 'name'])).trim();
  const complete = async () => {
    await kubectl(['-n', NAMESPACE, 'wait', 'vg', FILM, '--for=condition=Complete', '--timeout=240s']);
    return statusOf(kubectl, FILM);
  };
  const scale = async (replicas: number) => {
    const system = ['-n', 'dualparal-system'];
    await kubectl([...system, 'scale', 'deployment/dualparal-operator', `--replicas=${replicas}`]);
    if (replicas > 0) return;
    const operators = () => kubectl([...system, 'get', 'pods', '-o', 'name']);
    await vi.waitUntil(async () => (await operators()) === '', WITHIN_MINUTES);
  };

  beforeAll(async () => {
    cluster = await startProduct(NAME);
    kubectl = kubectlOf(cluster);
    await kubectl(['apply', '-f', '-'], filmManifest(FILM, LONG));
    const status = await complete();
    expect(status).toMatchObject({ attempts: [{ outcome: 'Succeeded', gpus: 8 }], usage: { lostGpuSeconds: 0 } });
    undisturbed = status.output?.sha256;
  });

  beforeEach(async () => {
    await kubectl(['-n', NAMESPACE, 'delete', 'vg', FILM, '--wait']);
    const pods = () => kubectl(['get', 'pods', ...ITS, '-o', 'name']);
    await vi.waitUntil(async () => (await pods()).trim() === '', WITHIN_MINUTES);
  });

  afterAll(() => stopCluster(NAME));

  test('whose pods are deleted, once while no operator is there, is the same film, and says what that has cost', async () => {
    await kubectl(['apply', '-f', '-'], filmManifest(FILM, LONG));
    const isAt = async (attempts: number, percent: number) => {
      const status = await statusOf(kubectl, FILM);
      return status.attempts?.length === attempts && (status.progress?.percent ?? 0) >= percent;
    };
    await vi.waitUntil(() => isAt(1, 10), WITHIN_MINUTES);
    await kubectl(['delete', 'pods', ...ITS]);
    await vi.waitUntil(() => isAt(2, 25), WITHIN_MINUTES);
    await scale(0);
    const second = await runningPods();
    await kubectl(['delete', 'pods', ...ITS]);
    await vi.waitUntil(async () => ![second, ''].includes(await runningPods()), WITHIN_MINUTES);
    await scale(2);
    const status = await complete();
    expect(status.output?.sha256).toBe(undisturbed);
    expect(status).toMatchObject({ phase: 'Succeeded', failures: 0, disruptions: 2 });
    expect(status.attempts?.map(({ outcome }) => outcome)).toEqual(['Disrupted', 'Disrupted', 'Succeeded']);
    const [, ...later] = status.attempts ?? [];
    const points = later.map(({ resumedFromIteration = 0 }) => resumedFromIteration);
    expect(points[0]).toBeGreaterThan(0);
    expect(points[1]).toBeGreaterThan(points[0]!);
    const { gpuSeconds = 0, lostGpuSeconds = 0 } = status.usage ?? {};
    const sum = (of: 'gpuSeconds' | 'lostGpuSeconds') =>
      status.attempts?.reduce((total, attempt) => total + (attempt[of] ?? 0), 0);
    expect({ gpuSeconds, lostGpuSeconds }).toEqual({
      gpuSeconds: sum('gpuSeconds'),
      lostGpuSeconds: sum('lostGpuSeconds'),
    });
    expect(gpuSeconds).toBeGreaterThan(lostGpuSeconds);
  });

  test('for which there are not as many GPUs as it wants is made on fewer, and is the same film', async () => {
    const elastic = { parallelism: { gpus: 16, minGpus: 2, blockLatents: 4, contextLatents: 2 } };
    await kubectl(['apply', '-f', '-'], filmManifest(FILM, { ...LONG, ...elastic, deadlines: { elastic: '5s' } }));
    const status = await complete();
    expect(status.attempts).toMatchObject([
      { outcome: 'Resized', gpus: 16 },
      { outcome: 'Succeeded', gpus: 8, gpusReason: expect.stringMatching(/8 of 16 GPUs after attempt 1/) },
    ]);
    expect(status).toMatchObject({ failures: 0, disruptions: 0 });
    expect(status.output?.sha256).toBe(undisturbed);
  });
});
