/**
 * Manifests that went wrong once, applied as they stand (`cases/`; what each expects is in its comments). Added to them is only what the
 * bed lacks: claims for the films, a volume for the claim `models`, since there is no storage class, and the files that the download
 * copies, since the runner's image holds no model.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { packModel } from '../../image/model-image.ts';
import { type Cluster, stopCluster } from '../cluster/cluster.ts';
import { localClaim } from '../cluster/persistent-volume.ts';
import { clusterSupport } from '../cluster/support.ts';
import {
  type FilmStatus,
  type Kubectl,
  kubectlOf,
  scaleOperator,
  startProduct,
  statusOf,
  waitForPhase,
} from './bed.ts';
import { kstatusOf } from './kstatus.ts';
import { watch } from './watch.ts';

const ROOT = join(import.meta.dirname, '../..');
const NAME = 'cases';
const SYSTEM = 'dualparal-system';
const TINY_IMAGE = 'localhost/dualparal-model-tiny:1';
const RUNNER_IMAGE = 'dualparal-runner:0.1.0-cuda';
const support = clusterSupport();
const title = `what went wrong once on a real Kubernetes${support.ok ? '' : ` (skipped: ${support.reason})`}`;

const caseFile = (name: string) => join(import.meta.dirname, 'cases', `${name}.yaml`);
const ofFilm = (film: string) => `dualparal.io/video-generation=${film}`;
const END = ['Succeeded', 'Failed'];

/** A volume of the node that fits the claim `models` of the case: what a storage class would make. Anybody may write to it. */
function modelVolume(cluster: Cluster): object {
  const path = join(cluster.work, 'models');
  mkdirSync(path);
  chmodSync(path, 0o777);
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'models' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '20Gi' },
      hostPath: { path },
      claimRef: { namespace: 'default', name: 'models' },
    },
  };
}

/** The documents of case 9, whose Job finds its program and, where it looks for it, the model. */
function modelLater(): object {
  const items = parseAllDocuments(readFileSync(caseFile('9-model-later'), 'utf8')).map((document) => document.toJS());
  const pod = items.find(({ kind }) => kind === 'Job').spec.template.spec;
  pod.containers[0].image = RUNNER_IMAGE;
  pod.containers[0].volumeMounts.push({ name: 'tiny', mountPath: '/app/models/tiny' });
  pod.volumes.push({ name: 'tiny', image: { reference: TINY_IMAGE, pullPolicy: 'Never' } });
  return { apiVersion: 'v1', kind: 'List', items };
}

describe.skipIf(!support.ok)(title, () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  const apply = (name: string) => kubectl(['apply', '-f', caseFile(name)]);
  const applyObject = (object: object) => kubectl(['apply', '-f', '-'], JSON.stringify(object));
  const reaches = (film: string, phases: readonly string[], namespace = 'default') =>
    waitForPhase(kubectl, film, phases, namespace);
  const pods = (film: string, output: string) => kubectl(['get', 'pods', '-l', ofFilm(film), '-o', output]);
  const filmsClaim = (namespace: string) => localClaim(cluster, { namespace, name: 'films' });

  beforeAll(async () => {
    cluster = await startProduct(NAME);
    kubectl = kubectlOf(cluster);
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-model-'));
    try {
      await packModel(join(ROOT, 'models/tiny'), TINY_IMAGE, join(folder, 'tiny.tar'));
      await cluster.importImage(join(folder, 'tiny.tar'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    await kubectl(['apply', '-f', '-'], filmsClaim('default'));
  });

  afterAll(() => stopCluster(NAME));

  test('a film that no operator has seen is in progress to kstatus, and current when it is made, not before', async () => {
    await scaleOperator(kubectl, 0);
    await apply('8-operator-away');
    const read = async () => JSON.parse(await kubectl(['get', 'vg', 'unseen', '-o', 'json']));
    const unseen = await read();
    expect([unseen.status?.phase, kstatusOf(unseen)]).toEqual([undefined, 'InProgress']);
    await scaleOperator(kubectl, 2);
    const seen = new Set<string>();
    const ends = async () => {
      const { metadata, status } = await read();
      seen.add(`${END.includes(status?.phase) ? status.phase : 'before'} ${kstatusOf({ metadata, status })}`);
      return END.includes(status?.phase);
    };
    await vi.waitUntil(ends, { timeout: 240_000, interval: 200 });
    expect(seen).toEqual(new Set(['before InProgress', 'Succeeded Current']));
  });

  test('a film is ready although somebody has put a container that never ends into its pod', async () => {
    // The file applies policy and film at once: the API server minds a policy a moment after it was made.
    const policies = ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'].join();
    const [policy, binding] = parseAllDocuments(readFileSync(caseFile('5-sidecar'), 'utf8')).map((one) => one.toJS());
    await applyObject({ apiVersion: 'v1', kind: 'List', items: [policy, binding] });
    const container = { name: 'runner', image: RUNNER_IMAGE, securityContext: {} };
    const metadata = { name: 'try', labels: { 'dualparal.io/video-generation': 'try' } };
    const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } });
    const names = 'jsonpath={.spec.containers[*].name}';
    const minds = async () =>
      (await kubectl(['create', '--dry-run=server', '-f', '-', '-o', names], pod)) === 'runner mesh-proxy';
    await vi.waitUntil(minds, { timeout: 60_000, interval: 300 });
    await apply('5-sidecar');
    const isThere = async () => (await pods('meshed', 'jsonpath={.items[*].spec.containers[*].name}')) !== '';
    await vi.waitUntil(isThere, { timeout: 60_000, interval: 300 });
    await kubectl(['delete', policies, 'sidecar']);
    expect(await pods('meshed', 'jsonpath={.items[*].spec.containers[*].name}')).toBe('runner mesh-proxy');
    expect(await reaches('meshed', END)).toMatchObject({ phase: 'Succeeded', failures: 0, disruptions: 0 });
  });

  test.concurrent('… and that container does not keep the GPUs', async () => {
    await vi.waitUntil(async () => (await pods('meshed', 'name')) === '', { timeout: 240_000, interval: 500 });
    expect(await statusOf(kubectl, 'meshed', 'default')).toMatchObject({ phase: 'Succeeded' });
  });

  test.concurrent('a namespace that is deleted takes a film at work with it, and the operator says nothing wrong of it', async () => {
    await apply('3-namespace-deleted');
    await kubectl(['apply', '-f', '-'], filmsClaim('leaving'));
    expect(await reaches('film', ['Running', ...END], 'leaving')).toMatchObject({ phase: 'Running' });
    const exits = watch(
      cluster,
      ['-n', 'leaving', 'pods'],
      '{.status.containerStatuses[?(@.name=="runner")].state.terminated.exitCode}',
    );
    await kubectl(['delete', 'namespace', 'leaving', '--timeout=180s']);
    exits.stop();
    // It ended by itself: whoever does not within the grace period is killed (137).
    expect(exits.seen()).toEqual(['10']);
    const log = await kubectl(['-n', SYSTEM, 'logs', '-l', 'app.kubernetes.io/component=operator', '--tail=-1']);
    const about = log.split('\n').filter((line) => line.includes('leaving'));
    expect(about.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
    expect(log).not.toContain('"level":"error"');
  });

  test.concurrent('pods that are deleted again and again have stopped cleanly, and the film is made when it is left alone', async () => {
    await apply('7-delete-pod');
    // The first is deleted as soon as it is said to run, when it may not have begun to listen; the others when they have told of themselves.
    const atWork = async (turn: number) => {
      let status: FilmStatus = {};
      const isAtWork = async () => {
        status = await statusOf(kubectl, 'stopped', 'default');
        if (status.phase !== 'Running') return END.includes(status.phase ?? '');
        return status.attempts?.length === turn + 1 && (turn === 0 || status.progress !== undefined);
      };
      await vi.waitUntil(isAtWork, { timeout: 240_000, interval: 300 });
      return status;
    };
    for (let turn = 0; turn < 3; turn++) {
      expect((await atWork(turn)).phase).toBe('Running');
      await kubectl(['delete', 'pod', '-l', ofFilm('stopped')]);
    }
    const status = await reaches('stopped', END);
    expect(status).toMatchObject({ phase: 'Succeeded', failures: 0, disruptions: 3 });
    const stopped = { outcome: 'Disrupted', reason: 'RunnerStopped' };
    const [first, ...others] = status.attempts!;
    expect(first).toMatchObject(stopped);
    expect([10, 143]).toContain(first?.exitCode);
    const clean = { ...stopped, exitCode: 10, message: expect.stringMatching(/^told to stop by SIGTERM/) };
    expect(others).toMatchObject([clean, clean, { outcome: 'Succeeded', exitCode: 0 }]);
  });

  test.concurrent('a film that is applied together with the download of its model is made once the model is there', async () => {
    await applyObject(modelVolume(cluster));
    await applyObject(modelLater());
    const waits = watch(cluster, ['vg', 'early'], '{.status.reason}');
    const status = await reaches('early', END);
    waits.stop();
    expect(status.phase).toBe('Succeeded');
    expect(waits.seen()).toContain('RetryLater');
    const outcomes = status.attempts!.map(({ outcome, exitCode }) => `${outcome} ${exitCode}`);
    expect(outcomes.at(-1)).toBe('Succeeded 0');
    expect(new Set(outcomes.slice(0, -1))).toEqual(new Set(['Failed 41']));
  });
});
