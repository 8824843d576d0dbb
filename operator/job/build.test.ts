import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { jobSpecSchema } from '#contract/job-spec.ts';
import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import { UID, videoGenerationSpec } from '../../test/build/video-generation.ts';
import { type AttemptOf, runnerJob } from './build.ts';
import { frozenConfigMap, frozenSpec } from './frozen-spec.ts';

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
    nodeSelector: { gpu: 'h100' },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    priorityClassName: 'batch',
    serviceAccountName: 'films',
  },
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

  it('shares its name with the ConfigMap that it mounts', async () => {
    const map = frozenConfigMap(of(everything, 2), 'job-uid', 'PEM\n');
    await expect(stringify(map, { aliasDuplicateObjects: false })).toMatchFileSnapshot('golden/config-map.yaml');
    const job = runnerJob(of(everything, 2), settings);
    expect(job.spec.template.spec.volumes).toContainEqual({ name: 'job', configMap: { name: map.metadata.name } });
  });

  it('leaves out what belongs to reporting where nobody listens', () => {
    const map = frozenConfigMap(of(hostPath), 'job-uid', undefined);
    expect(Object.keys(map.data)).toEqual(['job.json']);
    const job = JSON.stringify(runnerJob(of(hostPath), { image: 'x', imagePullPolicy: 'Always' }));
    expect(job).not.toMatch(/PROGRESS|token"/);
  });
});

describe('the frozen spec', () => {
  it('is exactly what the runner reads, and its folders are those of the pod', () => {
    const spec = frozenSpec(of(everything, 2));
    expect(jobSpecSchema.parse(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    expect({ frames: spec.frames, model: spec.model, output: spec.output }).toEqual({
      frames: 81,
      model: { ref: 'tiny', folder: '/models/wan/tiny' },
      output: { folder: '/output/team-a/films/lighthouse/3f2a9c1b-2', formats: ['mp4'] },
    });
  });
});
