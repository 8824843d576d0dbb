import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Cluster, stopCluster } from '../cluster/cluster.ts';
import { nodeName } from '../cluster/layout.ts';
import { setUnhealthyGpus, startKubeletAgain, stopKubelet } from '../cluster/outage.ts';
import { startSecondNode } from '../cluster/second-node.ts';
import { clusterSupport } from '../cluster/support.ts';
import { importRunner, type Kubectl, kubectlOf, sharedClaim, startProduct } from './bed.ts';
import { expectLedgerToAddUp, expectToGoOn, oneFilm, PARALLELISM } from './one-film.ts';

const NAME = 'resume-node';
const support = clusterSupport();
const title = `a film whose node fails on a real Kubernetes${support.ok ? '' : ` (skipped: ${support.reason})`}`;

describe.skipIf(!support.ok)(title, () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  let film: ReturnType<typeof oneFilm>;
  /** The film of one that was left alone. */
  let undisturbed: string | undefined;

  beforeAll(async () => {
    cluster = await startProduct(NAME);
    kubectl = kubectlOf(cluster);
    film = oneFilm(kubectl, 2401);
    undisturbed = await film.undisturbed();
  });

  beforeEach(async () => {
    await setUnhealthyGpus(cluster, 0);
    await film.remove();
  });

  afterAll(() => stopCluster(NAME));

  test('goes on while its kubelet is restarted, and from its checkpoint where that is killed and its pod deleted meanwhile', async () => {
    await film.make();
    await film.getsOn(1, 3);
    await stopKubelet(cluster, 'SIGTERM');
    await film.getsOn(1, 9);
    await startKubeletAgain(cluster);
    await stopKubelet(cluster, 'SIGKILL');
    await film.deletePods('--wait=false');
    await startKubeletAgain(cluster);
    await film.getsOn(2, 3);
    await stopKubelet(cluster, 'SIGKILL');
    await film.getsOn(2, 9);
    await startKubeletAgain(cluster);
    const status = await film.complete();
    expect(status.output?.sha256).toBe(undisturbed);
    expect(status).toMatchObject({ failures: 0, disruptions: 1 });
    expect(status.attempts?.map(({ outcome }) => outcome)).toEqual(['Disrupted', 'Succeeded']);
    expectToGoOn(status);
    expectLedgerToAddUp(status);
  });

  test('goes on with half of its GPUs, then a quarter, where more and more of them are unhealthy, and with all of them when they are well', async () => {
    await film.make({ parallelism: { ...PARALLELISM, minGpus: 2 }, deadlines: { elastic: '5s' } });
    await film.getsOn(1, 3);
    await setUnhealthyGpus(cluster, 1);
    await film.deletePods();
    await film.getsOn(3, 3);
    await film.suspendWhile(() => setUnhealthyGpus(cluster, 5));
    await film.getsOn(6, 3);
    await film.suspendWhile(() => setUnhealthyGpus(cluster, 0));
    const status = await film.complete();
    expect(status.output?.sha256).toBe(undisturbed);
    expect(status.attempts).toMatchObject([
      { outcome: 'Disrupted', gpus: 8 },
      { outcome: 'Resized', gpus: 8 },
      { outcome: 'Suspended', gpus: 4, gpusReason: expect.stringMatching(/^4 of 8 GPUs after attempt \d/) },
      { outcome: 'Resized', gpus: 8 },
      { outcome: 'Resized', gpus: 4 },
      { outcome: 'Suspended', gpus: 2, gpusReason: expect.stringMatching(/^2 of 8 GPUs after attempt \d/) },
      { outcome: 'Succeeded', gpus: 8 },
    ]);
    expect(status).toMatchObject({ failures: 0, disruptions: 1 });
    expectToGoOn(status);
    expectLedgerToAddUp(status);
  });

  test('goes on from its checkpoint on another node where its own is switched off and deleted', async () => {
    const second = await startSecondNode(cluster);
    await importRunner(second);
    await kubectl(['apply', '-f', '-'], sharedClaim(cluster, 'shared'));
    await kubectl(['cordon', nodeName]);
    await film.make({ output: { persistentVolumeClaim: { claimName: 'shared' } } });
    await film.getsOn(1, 9);
    await second.switchOff();
    await kubectl(['delete', 'node', second.node]);
    await kubectl(['uncordon', nodeName]);
    const status = await film.complete();
    expect(status.output?.sha256).toBe(undisturbed);
    expect(status).toMatchObject({ failures: 0, disruptions: 1 });
    expect(status.attempts).toMatchObject([
      { outcome: 'Disrupted', node: second.node },
      { outcome: 'Succeeded', node: nodeName },
    ]);
    expectToGoOn(status);
    expectLedgerToAddUp(status);
  });
});
