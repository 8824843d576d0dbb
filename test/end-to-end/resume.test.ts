import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Cluster, stopCluster } from '../cluster/cluster.ts';
import { clusterSupport } from '../cluster/support.ts';
import { type Kubectl, kubectlOf, scaleOperator, startProduct } from './bed.ts';
import { expectLedgerToAddUp, expectToGoOn, oneFilm, PARALLELISM, WITHIN_MINUTES } from './one-film.ts';

const NAME = 'resume';
const support = clusterSupport();
const title = `a film that is interrupted on a real Kubernetes${support.ok ? '' : ` (skipped: ${support.reason})`}`;

describe.skipIf(!support.ok)(title, () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  let film: ReturnType<typeof oneFilm>;
  /** The film of one that was left alone. */
  let undisturbed: string | undefined;
  const scale = (replicas: number) => scaleOperator(kubectl, replicas);

  beforeAll(async () => {
    cluster = await startProduct(NAME);
    kubectl = kubectlOf(cluster);
    film = oneFilm(kubectl, 1201);
    undisturbed = await film.undisturbed();
  });

  beforeEach(() => film.remove());

  afterAll(() => stopCluster(NAME));

  test('whose pods are deleted, once while no operator is there, is the same film, and says what that has cost', async () => {
    await film.make();
    await film.getsOn(1, 3);
    await film.deletePods();
    await film.getsOn(2, 3);
    await scale(0);
    const second = await film.runningPods();
    await film.deletePods();
    await vi.waitUntil(async () => ![second, ''].includes(await film.runningPods()), WITHIN_MINUTES);
    await scale(2);
    const status = await film.complete();
    expect(status.output?.sha256).toBe(undisturbed);
    expect(status).toMatchObject({ phase: 'Succeeded', failures: 0, disruptions: 2 });
    expect(status.attempts?.map(({ outcome }) => outcome)).toEqual(['Disrupted', 'Disrupted', 'Succeeded']);
    expectToGoOn(status);
    expectLedgerToAddUp(status);
  });

  test('for which there are not as many GPUs as it wants is made on fewer, asks for all after each end, and is the same film', async () => {
    await film.make({ parallelism: { ...PARALLELISM, gpus: 16, minGpus: 2 }, deadlines: { elastic: '5s' } });
    await film.getsOn(2, 3);
    await film.deletePods();
    const status = await film.complete();
    expect(status.attempts).toMatchObject([
      { outcome: 'Resized', gpus: 16 },
      { outcome: 'Disrupted', gpus: 8, gpusReason: expect.stringMatching(/8 of 16 GPUs after attempt 1/) },
      { outcome: 'Resized', gpus: 8, reason: 'AllGpusAgain' },
      { outcome: 'Resized', gpus: 16 },
      { outcome: 'Succeeded', gpus: 8, gpusReason: expect.stringMatching(/8 of 16 GPUs after attempt 3/) },
    ]);
    expect(status).toMatchObject({ failures: 0, disruptions: 1 });
    expectToGoOn(status);
    expect(status.output?.sha256).toBe(undisturbed);
  });
});
