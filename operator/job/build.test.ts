import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { jobSpecSchema } from '#contract/job-spec.ts';
import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import { UID, videoGenerationSpec } from '../../test/build/video-generation.ts';
import type { NewJob } from '../api/kubernetes.ts';
import { ANNOTATION_GPUS } from '../api/labels.ts';
import { type AttemptOf, runnerJob } from './build.ts';
import { frozenConfigMap, frozenSpec } from './frozen-spec.ts';
import { gpusOfJob, mapOf } from './names.ts';

const settings = {
  image: 'dualparal:test',
  imagePullPolicy: 'IfNotPresent',
  progressUrl: 'https://operator.test:8443/v1/progress',
};
const of = (spec: VideoGenerationSpec, attempt = 1): AttemptOf => ({
  resource: { namespace: 'films', name: 'lighthouse', uid: UID, generation: 3 },
  spec,
  attempt,
});

const everything = videoGenerationSpec({
  length: { seconds: 5 },
  model: { ref: 'tiny', source: { image: { reference: 'models/tiny:1', path: 'wan/tiny' } } },
  output: { persistentVolumeClaim: { claimName: 'films', path: 'team-a' } },
  parallelism: { gpus: 4, blockLatents: 4, contextLatents: 2, stride: 1 },
  runner: {
    image: 'other:1',
    imagePullPolicy: 'Never',
    imagePullSecrets: [{ name: 'pull' }],
    resources: { requests: { cpu: 4, memory: '8Gi' }, limits: { memory: '16Gi' } },
    podLabels: { team: 'films' },
    podAnnotations: { 'sidecar.istio.io/inject': 'false' },
    gpu: { products: ['NVIDIA-H100-80GB-HBM3'], minMemory: '79Gi' },
    nodeSelector: { gpu: 'h100' },
    affinity: {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }] },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { 'app.kubernetes.io/name': 'dualparal' } },
      },
    ],
    runtimeClassName: 'nvidia',
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    priorityClassName: 'batch',
    terminationGracePeriodSeconds: 300,
    serviceAccountName: 'films',
  },
});

const claimed = videoGenerationSpec({ runner: { devices: { resourceClaimTemplateName: 'eight-gpus' } } });
const shared = videoGenerationSpec({
  parallelism: { gpus: 2 },
  runner: { devices: { resourceName: 'nvidia.com/gpu.shared' } },
});
const hostPath = videoGenerationSpec({ model: { ref: 'tiny', source: { hostPath: { path: '/data/tiny' } } } });

describe('the Job of an attempt', () => {
  it.each([
    ['claim', runnerJob(of(videoGenerationSpec()), settings)],
    ['everything', runnerJob(of(everything, 2), settings)],
    ['host-path', runnerJob(of(hostPath), { image: 'dualparal:test', imagePullPolicy: 'Always' })],
  ])('is as golden/job-%s.yaml says', async (name, job) => {
    await expect(stringify(job, { aliasDuplicateObjects: false })).toMatchFileSnapshot(`golden/job-${name}.yaml`);
  });

  it('mounts the ConfigMap that it names', async () => {
    const { name } = runnerJob(of(everything, 2), settings).metadata;
    const map = frozenConfigMap(of(everything, 2), { name, jobUid: 'job-uid' }, 'PEM\n');
    await expect(stringify(map, { aliasDuplicateObjects: false })).toMatchFileSnapshot('golden/config-map.yaml');
    const job = runnerJob(of(everything, 2), settings);
    expect(job.spec.template.spec.volumes).toContainEqual({ name: 'job', configMap: { name: map.metadata.name } });
  });

  it('mounts another ConfigMap for another film, also under the same name: kubelets keep an immutable one by its name', () => {
    const [first, again, other] = ['a', 'a', 'b'].map((letter) =>
      runnerJob({ ...of(everything, 2), specHash: letter.repeat(64) }, settings),
    ) as [NewJob, NewJob, NewJob];
    const mounted = ({ spec }: NewJob) => JSON.stringify(spec.template.spec.volumes);
    expect([first, other].map((job) => mounted(job).includes(`"${mapOf(job)}"`))).toEqual([true, true]);
    expect([again, other].map((job) => [job.metadata.name, mounted(job) === mounted(first)])).toEqual([
      [first.metadata.name, true],
      [first.metadata.name, false],
    ]);
  });

  it('asks for its GPUs by a claim alone, where a template is named', () => {
    const pod = runnerJob(of(claimed), settings).spec.template.spec;
    expect(pod.resourceClaims).toEqual([{ name: 'gpus', resourceClaimTemplateName: 'eight-gpus' }]);
    expect(pod.containers[0]?.resources).toEqual({ requests: {}, limits: {}, claims: [{ name: 'gpus' }] });
  });

  it('asks for its GPUs under the name that nodes offer them by', () => {
    const pod = runnerJob(of(shared), settings).spec.template.spec;
    const gpus = { 'nvidia.com/gpu.shared': '2' };
    expect(pod.containers[0]?.resources).toEqual({ requests: gpus, limits: gpus });
    expect(pod.resourceClaims).toBeUndefined();
  });

  it('keeps its own labels and annotations, also beside a spec that an older CRD let through', () => {
    const mine = { 'dualparal.io/attempt': '9', 'dualparal.io/spec-hash': 'x', 'app.kubernetes.io/name': 'other' };
    const runner = { podLabels: mine, podAnnotations: mine };
    const { metadata } = runnerJob({ ...of({ ...everything, runner }), specHash: 'y' }, settings).spec.template;
    expect(metadata.labels).toMatchObject({ 'dualparal.io/attempt': '1', 'app.kubernetes.io/name': 'dualparal' });
    expect(metadata.annotations).toMatchObject({ 'dualparal.io/spec-hash': 'y' });
  });

  it('starts from the defaults of the administrators, which are none of the film', () => {
    const defaults = { nodeSelector: { gpu: 'a100', pool: 'films' }, image: 'default:1' };
    const job = runnerJob(of(everything, 2), { ...settings, defaults });
    expect(job.spec.template.spec).toMatchObject({
      nodeSelector: { gpu: 'h100', pool: 'films' },
      containers: [{ image: 'other:1' }],
    });
  });

  it('leaves out what belongs to reporting where nobody listens', () => {
    const map = frozenConfigMap(of(hostPath), { name: 'map', jobUid: 'job-uid' }, undefined);
    expect(Object.keys(map.data)).toEqual(['job.json']);
    const job = JSON.stringify(runnerJob(of(hostPath), { image: 'x', imagePullPolicy: 'Always' }));
    expect(job).not.toMatch(/PROGRESS|token"/);
  });
});

describe('the frozen spec', () => {
  it('has as many GPUs as the attempt takes, and its Job asks for them, and says so', () => {
    const spec = videoGenerationSpec({ parallelism: { gpus: 8, minGpus: 2 } });
    const { parallelism } = frozenSpec({ ...of(spec), gpus: 4 });
    expect(parallelism).toEqual({ ...frozenSpec(of(videoGenerationSpec())).parallelism, gpus: 4 });
    const job = runnerJob({ ...of(spec), gpus: 4 }, settings);
    const gpus = { 'nvidia.com/gpu': '4' };
    expect(job.spec.template.spec.containers[0]?.resources).toEqual({ requests: gpus, limits: gpus });
    const { annotations } = job.spec.template.metadata;
    expect([gpusOfJob(job), annotations?.[ANNOTATION_GPUS]]).toEqual([4, '4']);
    expect(gpusOfJob(runnerJob(of(spec), settings))).toBeUndefined();
  });

  it('is exactly what the runner reads, and its folders are those of the pod', () => {
    const spec = frozenSpec(of(everything, 2));
    expect(jobSpecSchema.parse(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    expect({ frames: spec.frames, model: spec.model, output: spec.output }).toEqual({
      frames: 81,
      model: { ref: 'tiny', folder: '/models/wan/tiny' },
      output: {
        folder: '/output/team-a/films/lighthouse/3f2a9c1b-2',
        earlier: ['/output/team-a/films/lighthouse/3f2a9c1b-1'],
        formats: ['mp4'],
      },
    });
  });
});

it.each([
  ['follows from the spec', {}, 70],
  ['is what the film says', { terminationGracePeriodSeconds: 20 }, 20],
])('the grace period of the pod %s, and its runner is told', (_what, runner, seconds) => {
  const size = { width: 1280, height: 720 };
  const made = runnerJob(of(videoGenerationSpec({ size, length: { frames: 2049 }, runner })), settings);
  const { terminationGracePeriodSeconds, containers } = made.spec.template.spec;
  expect(terminationGracePeriodSeconds).toBe(seconds);
  expect(containers[0]?.env).toContainEqual({ name: 'DUALPARAL_GRACE_SECONDS', value: String(seconds) });
});
