import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { path as ffprobe } from '@ffprobe-installer/ffprobe';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Cluster, stopCluster } from '../cluster/cluster.ts';
import { clusterSupport } from '../cluster/support.ts';
import {
  filmFile,
  filmManifest,
  type Kubectl,
  kubectlOf,
  NAMESPACE,
  SHALLOW_IMAGE,
  sealedClaim,
  startProduct,
  statusOf,
  waitForPhase,
} from './bed.ts';
import { watch } from './watch.ts';

const NAME = 'end-to-end';
const support = clusterSupport();
const title = `films on a real Kubernetes${support.ok ? '' : ` (skipped: ${support.reason})`}`;

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Frames and playing time as an independent program counts them. */
function probe(file: string): { frames: number; seconds: number } {
  const entries = ['-show_entries', 'stream=nb_read_frames,duration', '-of', 'json'];
  const { stdout } = spawnSync(ffprobe, ['-v', 'error', '-count_frames', ...entries, file], { encoding: 'utf8' });
  const [stream] = JSON.parse(stdout).streams;
  return { frames: Number(stream.nb_read_frames), seconds: Number(stream.duration) };
}

describe.skipIf(!support.ok)(title, () => {
  let cluster: Cluster;
  let kubectl: Kubectl;

  beforeAll(async () => {
    cluster = await startProduct(NAME);
    kubectl = kubectlOf(cluster);
  });

  afterAll(() => stopCluster(NAME));

  test('a manifest becomes a film: phases go by, eight stages hold a device each, the status says where it is and what', async () => {
    // From before it is there: a phase may last no longer than kubectl takes to begin.
    const film = ['vg', '--field-selector', 'metadata.name=film'];
    const phases = watch(cluster, ['-n', NAMESPACE, ...film], '{.status.phase}');
    await kubectl(['apply', '-f', '-'], filmManifest('film'));
    const status = await waitForPhase(kubectl, 'film', ['Succeeded', 'Failed']);
    await vi.waitUntil(() => phases.seen().at(-1) === 'Succeeded', { timeout: 30_000 });
    phases.stop();
    expect(phases.seen().filter((phase) => ['Starting', 'Running', 'Succeeded'].includes(phase))).toEqual([
      'Starting',
      'Running',
      'Succeeded',
    ]);
    const stages = status.plan?.stages ?? [];
    expect(stages.map(({ firstLayer, endLayer }) => [firstLayer, endLayer])).toEqual(
      Array.from({ length: 8 }, (_, stage) => [stage, stage + 1]),
    );
    expect(stages.map(({ device }) => device).sort()).toEqual(
      Array.from({ length: 8 }, (_, index) => `stand-in-gpu-${index}`),
    );
    const output = status.output!;
    const file = filmFile(cluster, output.location);
    expect({ sha256: output.sha256, frames: output.frames, seconds: output.seconds }).toEqual({
      sha256: sha256(file),
      frames: 101,
      seconds: 101 / 16,
    });
    expect(probe(file)).toEqual({ frames: 101, seconds: expect.closeTo(101 / 16, 3) });
    expect(status.progress).toMatchObject({ percent: 100, framesReady: 101 });
    expect(status.attempts).toMatchObject([{ outcome: 'Succeeded', exitCode: 0, node: 'node' }]);
  });

  test('kubectl get shows the columns that people ask for', async () => {
    const [head = '', row = ''] = (await kubectl(['-n', NAMESPACE, 'get', 'vg', 'film'])).split('\n');
    expect(head.trim().split(/\s{2,}/)).toEqual(['NAME', 'PHASE', 'PERCENT', 'FRAMES', 'ETA', 'GPUS', 'AGE', 'WHY']);
    expect(row).toMatch(/^film +Succeeded +100 +101 .* 8 /);
  });

  test('what a started film was made from cannot be changed', async () => {
    const patch = ['-n', NAMESPACE, 'patch', 'vg', 'film', '--type=merge', '-p', '{"spec":{"seed":8}}'];
    const answer = await cluster.kubectl(patch);
    expect([answer.code, answer.stderr]).toEqual([1, expect.stringMatching(/seed|cannot be changed|immutable|fixed/)]);
  });

  test('deleting the resource removes its Job and pod', async () => {
    await kubectl(['-n', NAMESPACE, 'delete', 'vg', 'film', '--timeout=60s']);
    const left = async () =>
      (await kubectl(['-n', NAMESPACE, 'get', 'jobs,pods,configmaps', '-o', 'name'])).split('\n');
    await vi.waitUntil(async () => (await left()).every((name) => !name.includes('/film-')), { timeout: 60_000 });
  });

  test('kubectl describe says why a film cannot be scheduled', async () => {
    await kubectl(['apply', '-f', '-'], filmManifest('too-large', { parallelism: { gpus: 16 } }));
    const describes = async () => kubectl(['-n', NAMESPACE, 'describe', 'vg', 'too-large']);
    await vi.waitUntil(async () => (await describes()).includes('Insufficient nvidia.com/gpu'), { timeout: 60_000 });
    expect(await statusOf(kubectl, 'too-large')).toMatchObject({ phase: 'Queued', reason: 'Unschedulable' });
    const row = await kubectl(['-n', NAMESPACE, 'get', 'vg', 'too-large', '--no-headers']);
    expect(row).toMatch(/Unschedulable$/m);
    await kubectl(['-n', NAMESPACE, 'delete', 'vg', 'too-large']);
  });

  test('a model image that is not there is named while the film waits', async () => {
    const source = { image: { reference: 'localhost/no-such-model:1', pullPolicy: 'Never' } };
    await kubectl(['apply', '-f', '-'], filmManifest('no-model', { model: { ref: 'x', source } }));
    const named = async () => (await statusOf(kubectl, 'no-model')).message?.includes('localhost/no-such-model:1');
    await vi.waitUntil(named, { timeout: 60_000 });
    await kubectl(['-n', NAMESPACE, 'delete', 'vg', 'no-model']);
  });

  test('a claim that does not exist is named while the film waits', async () => {
    const output = { persistentVolumeClaim: { claimName: 'nowhere' } };
    await kubectl(['apply', '-f', '-'], filmManifest('no-claim', { output }));
    const named = async () => (await statusOf(kubectl, 'no-claim')).message?.includes('nowhere');
    await vi.waitUntil(named, { timeout: 60_000 });
    await kubectl(['-n', NAMESPACE, 'delete', 'vg', 'no-claim']);
  });

  test.each([
    { what: 'frames that are not 4k + 1', changes: { length: { frames: 80 } }, says: /4k \+ 1/ },
    { what: 'a size that is no multiple of 16', changes: { size: { width: 100, height: 48 } }, says: /multiple of 16/ },
    {
      what: 'more context than block',
      changes: { parallelism: { gpus: 1, blockLatents: 2, contextLatents: 3 } },
      says: /blockLatents/,
    },
    { what: 'no prompt', changes: { prompt: '' }, says: /spec\.prompt/ },
    {
      what: 'two model sources',
      changes: {
        model: { ref: 'x', source: { image: { reference: 'a' }, persistentVolumeClaim: { claimName: 'b' } } },
      },
      says: /exactly one/,
    },
  ])('the API server refuses $what', async ({ changes, says }) => {
    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], { input: filmManifest('bad', changes) });
    expect([code, stderr]).toEqual([1, expect.stringMatching(says)]);
  });

  test('more stages than layers fails the film at once, with its code', async () => {
    const source = { image: { reference: SHALLOW_IMAGE, pullPolicy: 'Never' } };
    await kubectl(['apply', '-f', '-'], filmManifest('shallow', { model: { ref: 'tiny-wan', source } }));
    const status = await waitForPhase(kubectl, 'shallow', ['Failed', 'Succeeded']);
    expect(status).toMatchObject({ phase: 'Failed', reason: 'E_PLAN_STAGES', attempts: [{ exitCode: 30 }] });
    expect(status.message).toMatch(/8.*5 layers/);
  });

  test('GPUs that are real to the kubelet and to nobody else fail the film by name, and nothing computes it elsewhere', async () => {
    writeFileSync(cluster.silentGpus, '');
    try {
      await kubectl(['apply', '-f', '-'], filmManifest('absent', { retries: { failures: 0 } }));
      const status = await waitForPhase(kubectl, 'absent', ['Failed', 'Succeeded']);
      expect(status).toMatchObject({ phase: 'Failed', reason: 'FailuresExhausted', attempts: [{ exitCode: 60 }] });
      expect(status.message).toMatch(/E_DEVICE_DRIVER.*DUALPARAL_DEVICE/);
    } finally {
      rmSync(cluster.silentGpus);
    }
  });

  test('an output volume that cannot be written fails the film at once, with its code', async () => {
    await kubectl(['apply', '-f', '-'], sealedClaim(cluster, 'sealed'));
    const output = { persistentVolumeClaim: { claimName: 'sealed' } };
    await kubectl(['apply', '-f', '-'], filmManifest('sealed', { output }));
    const status = await waitForPhase(kubectl, 'sealed', ['Failed', 'Succeeded']);
    expect(status).toMatchObject({ phase: 'Failed', reason: 'E_STORE_READ_ONLY', attempts: [{ exitCode: 50 }] });
  });

  test('a film that ends while the operator is away has its result in the status once it is back', async () => {
    const scale = (replicas: number) =>
      kubectl(['-n', 'dualparal-system', 'scale', 'deployment/dualparal-operator', `--replicas=${replicas}`]);
    await kubectl(['apply', '-f', '-'], filmManifest('alone'));
    await waitForPhase(kubectl, 'alone', ['Starting', 'Running']);
    await scale(0);
    const done = async () => {
      const pods = await kubectl(['-n', NAMESPACE, 'get', 'pods', '-o', 'jsonpath={.items[*].status.phase}']);
      return pods.includes('Succeeded');
    };
    await vi.waitUntil(done, { timeout: 240_000, interval: 500 });
    await scale(1);
    const status = await waitForPhase(kubectl, 'alone', ['Succeeded', 'Failed']);
    expect(status.output?.sha256).toBe(sha256(filmFile(cluster, status.output!.location)));
  });

  test('a result survives its pod: when both are gone before the operator is back, the next attempt finds the film', async () => {
    const scale = (replicas: number) =>
      kubectl(['-n', 'dualparal-system', 'scale', 'deployment/dualparal-operator', `--replicas=${replicas}`]);
    const pods = (output: string) =>
      kubectl(['-n', NAMESPACE, 'get', 'pods', '-l', 'dualparal.io/video-generation=found', '-o', output]);
    await kubectl(['apply', '-f', '-'], filmManifest('found'));
    await waitForPhase(kubectl, 'found', ['Starting', 'Running']);
    await scale(0);
    const job = async () =>
      await kubectl([
        '-n',
        NAMESPACE,
        'get',
        'jobs',
        '-l',
        'dualparal.io/video-generation=found',
        '-o',
        'jsonpath={.items[*].status.succeeded}',
      ]);
    await vi.waitUntil(async () => (await pods('jsonpath={.items[*].status.phase}')) === 'Succeeded', {
      timeout: 240_000,
      interval: 500,
    });
    await vi.waitUntil(async () => (await job()).includes('1'), { timeout: 60_000 });
    await kubectl(['-n', NAMESPACE, 'delete', 'pods', '-l', 'dualparal.io/video-generation=found']);
    await scale(1);
    const status = await waitForPhase(kubectl, 'found', ['Succeeded', 'Failed']);
    expect(status.attempts).toMatchObject([{ outcome: 'Succeeded' }, { outcome: 'Succeeded', exitCode: 0 }]);
    expect(status.output?.location).toMatch(/-1\/[0-9a-f]{8}\/video\.mp4$/);
    expect(status.output?.sha256).toBe(sha256(filmFile(cluster, status.output!.location)));
  });
});
