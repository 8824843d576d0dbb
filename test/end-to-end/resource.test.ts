import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { customResourceDefinition } from '../../operator/api/crd.ts';
import { type Cluster, startCluster, stopCluster } from '../cluster/cluster.ts';
import { clusterSupport } from '../cluster/support.ts';
import { installResource, launchOperator, logged, type OperatorProcess, startOperator } from './operator-process.ts';

const support = clusterSupport();
const NAME = 'resource-test';
const NAMESPACE = 'films';
const CRD = 'crd/videogenerations.dualparal.io';
type Fields = Readonly<Record<string, unknown>>;
/** The part of the resource's schema that a test takes something from. */
interface Root {
  readonly properties: { readonly status: { readonly properties: { usage?: object } } };
}

let cluster: Cluster;

const film = (name: string, spec: Fields = {}) => ({
  apiVersion: 'dualparal.io/v1alpha1',
  kind: 'VideoGeneration',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    prompt: 'a lighthouse',
    length: { frames: 81 },
    model: { ref: 'tiny', source: { persistentVolumeClaim: { claimName: 'models' } } },
    output: { persistentVolumeClaim: { claimName: 'films' } },
    parallelism: { gpus: 1 },
    ...spec,
  },
});

/** Applies an object; what kubectl says, in one line each. */
async function apply(object: object, ...flags: readonly string[]): Promise<string> {
  const { stdout, stderr } = await cluster.kubectl(['apply', '-f', '-', ...flags], { input: JSON.stringify(object) });
  return `${stdout}${stderr}`.trim();
}
const kubectl = async (...args: readonly string[]) => {
  const { stdout, stderr } = await cluster.kubectl(['-n', NAMESPACE, ...args]);
  return `${stdout}${stderr}`.trim();
};

/** Waits until a question is answered as wanted, and gives the answer. */
async function until(ask: () => Promise<string>, wanted: RegExp): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const answer = await ask();
    if (wanted.test(answer)) return answer;
    if (tries > 300) throw new Error(`waited for ${wanted}, last seen: ${answer}`);
    await sleep(200);
  }
}

describe.skipIf(!support.ok)(`the resource on a real API server${support.ok ? '' : ` (${support.reason})`}`, () => {
  beforeAll(async () => {
    cluster = await startCluster({ name: NAME, report: (line) => process.stderr.write(`[cluster] ${line}\n`) });
    await installResource(cluster);
    await cluster.kubectl(['create', 'namespace', NAMESPACE]);
    await cluster.kubectl(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted']);
  });
  afterAll(() => stopCluster(NAME));

  test.each<[string, Fields, RegExp]>([
    [
      'frames that are not 4k + 1',
      { length: { frames: 82 } },
      /spec\.length\.frames: Invalid value: 82: must be 4k \+ 1/,
    ],
    ['no frames', { length: { frames: 0 } }, /spec\.length\.frames: .*greater than or equal to 1/],
    ['two lengths', { length: { frames: 81, seconds: 5 } }, /spec\.length: .*exactly one of frames and seconds/],
    ['no length', { length: {} }, /spec\.length: .*exactly one of frames and seconds/],
    [
      'a film without end',
      { length: { seconds: 60_000 }, fps: 120 },
      /spec\.length\.seconds: .*at most 1000001 frames/,
    ],
    [
      'a size that is no multiple of 16',
      { size: { width: 833 } },
      /spec\.size\.width: Invalid value: 833: .*multiple of 16/,
    ],
    [
      'more context than block',
      { parallelism: { blockLatents: 2 } },
      /spec\.parallelism\.contextLatents: .*at most blockLatents/,
    ],
    ['an empty prompt', { prompt: '' }, /spec\.prompt: .*at least 1 chars/],
    [
      'two model sources',
      { model: { ref: 'x', source: { persistentVolumeClaim: { claimName: 'm' }, image: { reference: 'i' } } } },
      /spec\.model\.source: .*exactly one of persistentVolumeClaim, image and hostPath/,
    ],
    ['no model source', { model: { ref: 'x', source: {} } }, /spec\.model\.source: .*exactly one of/],
    [
      'a folder outside the claim',
      { output: { persistentVolumeClaim: { claimName: 'films', path: '../etc' } } },
      /spec\.output\.persistentVolumeClaim\.path: Invalid value: "\.\.\/etc"/,
    ],
    [
      'an unknown scheduler',
      { sampling: { scheduler: 'DDIM' } },
      /spec\.sampling\.scheduler: Unsupported value: "DDIM"/,
    ],
    [
      'GPUs among other resources',
      { runner: { resources: { limits: { 'nvidia.com/gpu': 1 } } } },
      /spec\.runner\.resources\.limits: .*spec\.parallelism\.gpus says how many/,
    ],
    [
      'labels of the pod that are not for people',
      { runner: { podLabels: { 'dualparal.io/attempt': '7' } } },
      /spec\.runner\.podLabels: .*must not have keys that the cluster sets itself/,
    ],
    [
      'two ways to GPUs',
      { runner: { devices: { resourceName: 'nvidia.com/gpu', resourceClaimTemplateName: 'gpus' } } },
      /spec\.runner\.devices: .*exactly one of resourceName and resourceClaimTemplateName/,
    ],
    ['a field that does not exist', { promt: 'x' }, /unknown field "spec\.promt"/],
  ])('refuses %s by name', async (_what, spec, message) => {
    expect(await apply(film('bad', spec), '--dry-run=server')).toMatch(message);
  });

  test('fills in defaults, and takes quantities as people write them', async () => {
    const spec = { runner: { resources: { requests: { cpu: 4, memory: '8Gi' } } }, parallelism: {} };
    const answer = await apply(
      film('good', spec),
      '--dry-run=server',
      '-o',
      'jsonpath={.spec.parallelism}{.spec.size}{.spec.sampling.steps}',
    );
    expect(answer).toBe(
      '{"blockLatents":8,"contextLatents":4,"gpus":8,"guidanceParallel":false,"leftContext":"recompute","stride":1}{"height":480,"width":832}50',
    );
  });

  test('of an older version keeps the operator waiting, not ready, and its log says what to do until the newer one is there', async () => {
    const { spec } = customResourceDefinition() as { readonly spec: object };
    const older = structuredClone(spec) as { versions: [{ schema: { openAPIV3Schema: Root } }] };
    delete older.versions[0].schema.openAPIV3Schema.properties.status.properties.usage;
    const replaceBy = (versions: object) =>
      kubectl('patch', CRD, '--type=merge', '-p', JSON.stringify({ spec: { versions } }));
    const served = () => kubectl('get', '--raw', '/openapi/v3/apis/dualparal.io/v1alpha1');
    expect(await replaceBy(older.versions)).toMatch(/patched/);
    let operator: OperatorProcess | undefined;
    try {
      await until(served, /^(?!.*Those of them that are not in the film)/s);
      const started = await launchOperator(cluster);
      operator = started;
      await logged(started, () => started.log().includes('E_OPERATOR_CRD_OLD'));
      expect(started.log()).toContain('without status.usage: install');
      expect(started.leads()).toBe(false);
      expect(await replaceBy((spec as typeof older).versions)).toMatch(/patched/);
      await logged(started, () => started.leads());
    } finally {
      await replaceBy((spec as typeof older).versions);
      await until(served, /Those of them that are not in the film/);
      await operator?.stop();
    }
  });

  describe('with its operator', () => {
    let operator: OperatorProcess;
    beforeAll(async () => {
      operator = await startOperator(cluster);
    });
    afterAll(async () => {
      expect(await operator.stop()).toBe(0);
      const trouble = operator
        .log()
        .split('\n')
        .filter((line) => /"level":"(warn|error)"/.test(line));
      // An API server that has just learnt a kind may refuse an owner of it for a moment; the operator tries again.
      const isNews = (line: string) => line.includes('cannot find RESTMapping');
      expect(trouble.filter((line) => !line.includes('films/refused') && !isNews(line))).toEqual([]);
    });

    test('says within seconds why nothing can be scheduled, also in kubectl describe', async () => {
      await apply(film('too-many', { parallelism: { gpus: 16 } }));
      const row = await until(() => kubectl('get', 'vg', 'too-many'), /Unschedulable/);
      expect(row).toMatch(/NAME +PHASE +PERCENT +FRAMES +ETA +GPUS +AGE +WHY\n\S+ +Queued +16 +\S+ +Unschedulable/);
      await until(
        () => kubectl('describe', 'vg', 'too-many'),
        /Warning +Unschedulable .*dualparal-operator .*persistentvolumeclaim "(models|films)" not found/,
      );
    });

    test('refuses to change what a started film is made from, and lets everything else change', async () => {
      await until(() => kubectl('get', 'vg', 'too-many', '-o', 'jsonpath={.status.startTime}'), /Z$/);
      const patch = (change: object) =>
        kubectl('patch', 'vg', 'too-many', '--type=merge', '-p', JSON.stringify(change));
      expect(await patch({ spec: { prompt: 'other' } })).toMatch(
        /spec\.prompt: .*cannot change once the film was started/,
      );
      expect(await patch({ spec: { parallelism: { gpus: 8 } } })).toMatch(/spec\.parallelism: .*cannot change/);
      expect(await patch({ metadata: { labels: { team: 'a' } }, spec: { retries: { failures: 1 } } })).toMatch(
        /patched/,
      );
    });

    test('says what is refused, and starts by itself when it is allowed', async () => {
      const requests = { requests: { cpu: 9 }, limits: { cpu: 4 } };
      await apply(film('refused', { runner: { resources: requests } }));
      expect(await until(() => kubectl('get', 'vg', 'refused', '-o', 'wide'), /JobRefused/)).toMatch(
        /less than or equal to cpu limit of 4/,
      );
      await kubectl('patch', 'vg', 'refused', '--type=merge', '-p', '{"spec":{"runner":{"resources":null}}}');
      await until(() => kubectl('get', 'vg', 'refused'), /Unschedulable/);
    });

    test('says why a Job cannot make its pod', async () => {
      await apply(film('nobody', { runner: { serviceAccountName: 'nobody' } }));
      expect(await until(() => kubectl('get', 'vg', 'nobody', '-o', 'wide'), /PodRefused/)).toMatch(
        /serviceaccount "nobody" not found/,
      );
    });

    test('takes Job, pod and frozen spec with it when it is deleted', async () => {
      const children = () =>
        kubectl('get', 'jobs,pods,configmaps', '-l', 'dualparal.io/video-generation=too-many', '-o', 'name');
      await until(children, /job\.batch[\s\S]*pod\/|pod\/[\s\S]*job\.batch/);
      expect(await children()).toMatch(/configmap\//);
      await kubectl('delete', 'vg', 'too-many');
      await until(children, /^(No resources found.*)?$/);
    });
  });
});
