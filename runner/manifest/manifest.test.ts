import { describe, expect, it } from 'vitest';
import { CodedError } from '#contract/error.ts';
import { jobSpecOf } from '#contract/generation.ts';
import { readManifest } from './manifest.ts';

/** What a resource is given that says nothing of it. */
const PARALLELISM = {
  ...{ gpus: 8, blockLatents: 8, contextLatents: 4 },
  ...{ stride: 1, leftContext: 'recompute', guidanceParallel: false },
};

const read = (text: string) => readManifest(Buffer.from(text), 'video.yaml');

const minimal = (spec = '', rest = '') => `apiVersion: dualparal.io/v1alpha1
kind: VideoGeneration
metadata: {name: lighthouse}
spec:
  prompt: a lighthouse
  model: {ref: tiny}
${spec === '' ? '  length: {frames: 81}' : spec}
${rest}`;

/** Text of the error that reading gives. */
function problem(text: string | Uint8Array): string {
  try {
    readManifest(Buffer.from(text), 'video.yaml');
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message} (${error.exit})`;
    throw error;
  }
  return 'none';
}

describe('readManifest', () => {
  it('fills in every default', () => {
    expect(read(minimal())).toEqual({
      name: 'lighthouse',
      generation: {
        prompt: 'a lighthouse',
        negativePrompt: '',
        seed: 42,
        length: { frames: 81 },
        size: { width: 832, height: 480 },
        fps: 16,
        model: { ref: 'tiny' },
        sampling: { steps: 50, guidanceScale: 5, maxSequenceLength: 512, noise: 'counter', precision: 'auto' },
        parallelism: PARALLELISM,
        decoding: { tiling: false, precision: 'auto' },
        output: { formats: ['mp4'] },
      },
      clusterOnly: [],
    });
  });

  it('names what only a cluster uses', () => {
    const text = minimal(
      `  length: {frames: 81}
  retries: {failures: 3}
  runner: {image: x}
  output: {persistentVolumeClaim: {claimName: films}, formats: [mp4]}`,
      `---
kind: PersistentVolumeClaim
metadata: {name: films}`,
    );
    expect(read(text).clusterOnly).toEqual([
      'spec.output.persistentVolumeClaim',
      'spec.retries',
      'spec.runner',
      'document PersistentVolumeClaim films',
    ]);
  });

  it('takes the folder of a hostPath source, since it is one of this machine', () => {
    const folder = (model: string) => read(minimal(`  length: {frames: 81}`).replace('{ref: tiny}', model)).modelFolder;
    expect(folder('{ref: tiny, source: {hostPath: {path: /data/tiny}}}')).toBe('/data/tiny');
    expect(folder('{ref: tiny, source: {image: {reference: m, path: a}}}')).toBeUndefined();
  });

  it('reads JSON and names the film after generateName where there is no name', () => {
    const film = { apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata: { generateName: 'storm-' } };
    const text = JSON.stringify({ ...film, spec: { prompt: 'x', length: { seconds: 1 }, model: { ref: 'y' } } });
    expect(read(text).name).toBe('storm');
  });

  it.each([
    ['nothing', '', 'E_MANIFEST_KIND: video.yaml must hold one document of kind VideoGeneration, found none (spec)'],
    [
      'a list',
      '- 1',
      'E_MANIFEST_KIND: video.yaml must hold one document of kind VideoGeneration, found a list (spec)',
    ],
    [
      'another kind',
      'kind: Pod\nmetadata: {name: x}',
      'E_MANIFEST_KIND: video.yaml must hold one document of kind VideoGeneration, found Pod x (spec)',
    ],
    [
      'two films',
      `${minimal()}---\n${minimal()}`,
      'E_MANIFEST_KIND: video.yaml must hold one document of kind VideoGeneration, found VideoGeneration lighthouse, VideoGeneration lighthouse (spec)',
    ],
    [
      'a version of the future',
      minimal().replace('v1alpha1', 'v9'),
      'E_MANIFEST_VERSION: video.yaml: apiVersion must be dualparal.io/v1alpha1, found "dualparal.io/v9" (spec)',
    ],
    [
      'no spec',
      'apiVersion: dualparal.io/v1alpha1\nkind: VideoGeneration',
      'E_MANIFEST_FIELDS: video.yaml: metadata.name: is required; spec.prompt: is required; spec.length: is required; spec.model: is required (spec)',
    ],
    [
      'an open bracket',
      minimal('  length: {frames: 81'),
      'E_MANIFEST_YAML: video.yaml:8:1: not readable as YAML: Flow map in block collection must be sufficiently indented and end with a } (spec)',
    ],
    [
      'frames that are not 4k + 1',
      minimal('  length: {frames: 82}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.length.frames: must be 4k + 1, found 82: take 81 or 85 (spec)',
    ],
    [
      'no length at all',
      minimal('  length: {}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.length: exactly one of frames and seconds must be given (spec)',
    ],
    [
      'two lengths',
      minimal('  length: {frames: 81, seconds: 5}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.length: exactly one of frames and seconds must be given (spec)',
    ],
    [
      'more frames than a film may have',
      minimal('  length: {seconds: 60000}\n  fps: 120'),
      'E_MANIFEST_FIELDS: video.yaml: spec.length.seconds: times fps must be at most 1000001 frames, found 60000 (spec)',
    ],
    [
      'a wide context',
      minimal('  length: {frames: 81}\n  parallelism: {blockLatents: 2, contextLatents: 3}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.parallelism.contextLatents: must be at most blockLatents, found 3 (spec)',
    ],
    [
      'several slips at once',
      minimal('  length: {frames: many}\n  size: {width: 833, height: -1}\n  fps: 0.5'),
      'E_MANIFEST_FIELDS: video.yaml: spec.length.frames: must be a number, found "many"; ' +
        'spec.size.width: must be a multiple of 16, found 833; ' +
        'spec.size.height: must be at least 16, found -1; ' +
        'spec.size.height: must be a multiple of 16, found -1; ' +
        'spec.fps: must be a whole number, found 0.5 (spec)',
    ],
    [
      'anchors that unfold without end',
      `${minimal()}\na: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d]`,
      /^E_MANIFEST_YAML: video\.yaml:\d+:\d+: not readable as YAML: aliases unfold to more than a manifest may hold \(spec\)$/,
    ],
    [
      'megabytes',
      `# ${'x'.repeat(1_500_000)}`,
      'E_MANIFEST_SIZE: video.yaml has more than 1500000 bytes: is it a manifest? (spec)',
    ],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from(`${minimal()}\n# caf`), Buffer.from([0xe9, 0x0a])]),
      'E_MANIFEST_TEXT: video.yaml: byte 164 (line 9) is not UTF-8: save the file as UTF-8 (spec)',
    ],
    [
      'half a character of UTF-16',
      Buffer.from(`\ufeffa\ud800b`, 'utf16le'),
      'E_MANIFEST_TEXT: video.yaml: byte 4 (line 1) is not UTF-16 (little endian): save the file as UTF-8 (spec)',
    ],
    [
      'fields that the resource does not have, with the nearest that it has',
      minimal('  length: {frames: 81}\n  sise: {width: 64}\n  sampling: {step: 3, guidance_scale: 1, zebra: 1}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.sise: unknown field, did you mean spec.size?; ' +
        'spec.sampling.step: unknown field, did you mean spec.sampling.steps?; ' +
        'spec.sampling.guidance_scale: unknown field, did you mean spec.sampling.guidanceScale?; ' +
        'spec.sampling.zebra: unknown field (spec)',
    ],
    [
      'fields that the pod does not have',
      minimal('  length: {frames: 81}\n  runner: {hostNetwork: true, tolerations: [{kex: a}]}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.runner.hostNetwork: unknown field; ' +
        'spec.runner.tolerations[0].kex: unknown field, did you mean spec.runner.tolerations[0].key? (spec)',
    ],
    [
      'names of other programs',
      minimal(
        '  length: {frames: 81}\n  num_inference_steps: 3\n  guidance: 1\n  cfg_scale: 1\n  negative_prompt: x\n  num_frames: 5\n  width: 64\n  __proto__: 1\n  sampling: {cfg: 2}',
      ),
      'E_MANIFEST_FIELDS: video.yaml: spec.num_inference_steps: unknown field, did you mean spec.sampling.steps?; ' +
        'spec.guidance: unknown field, did you mean spec.sampling.guidanceScale?; ' +
        'spec.cfg_scale: unknown field, did you mean spec.sampling.guidanceScale?; ' +
        'spec.negative_prompt: unknown field, did you mean spec.negativePrompt?; ' +
        'spec.num_frames: unknown field, did you mean spec.length.frames?; ' +
        'spec.width: unknown field, did you mean spec.size.width?; ' +
        'spec.__proto__: unknown field; ' +
        'spec.sampling.cfg: unknown field, did you mean spec.sampling.guidanceScale? (spec)',
    ],
    [
      'a seed that a double would round, as it was written and once',
      minimal('  length: {frames: 81}\n  seed: 9007199254740993'),
      'E_MANIFEST_FIELDS: video.yaml: spec.seed: must be at most 9007199254740991, found 9007199254740993 (spec)',
    ],
    [
      'values of other kinds',
      minimal(
        '  length: {frames: 81}\n  negativePrompt: 7\n  fps: "16"\n  sampling: {flowShift: 0, noise: white}\n  output: {formats: [avi]}\n  runner: {image: "", resources: {requests: {cpu: 1.5}}}',
      ),
      'E_MANIFEST_FIELDS: video.yaml: spec.negativePrompt: must be a text, found 7: put it in quotes; ' +
        'spec.fps: must be a number, found "16": leave out the quotes; ' +
        'spec.sampling.flowShift: must be more than 0, found 0; ' +
        'spec.sampling.noise: must be one of counter, torch, found "white"; ' +
        'spec.output.formats[0]: must be mp4, found "avi"; ' +
        'spec.runner.image: must not be empty, found ""; ' +
        'spec.runner.resources.requests.cpu: must be a quantity such as 4, 500m or 64Gi, of at most 32 characters, found 1.5: put it in quotes (spec)',
    ],
    [
      'an empty list',
      minimal('  length: {frames: 81}\n  output: {formats: []}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.output.formats: must have at least 1 item (spec)',
    ],
    [
      'many unknown fields, of which the first are named',
      minimal(`  length: {frames: 81}\n${Array.from({ length: 3000 }, (_, n) => `  zz${n}: 1\n`).join('')}`),
      /zz19: unknown field; and 2980 more \(spec\)$/,
    ],
    [
      'GPUs in two places',
      minimal('  length: {frames: 81}\n  runner: {resources: {limits: {nvidia.com/gpu: 4}}}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.runner.resources.limits: GPUs must not stand here: spec.parallelism.gpus says how many the pod gets, spec.runner.devices under which name nodes offer them (spec)',
    ],
    [
      'a name that leaves the folder',
      minimal().replace('name: lighthouse', 'name: ../x'),
      'E_MANIFEST_FIELDS: video.yaml: metadata.name: must be of small letters, digits, "-" and ".", and start and end with a letter or digit, found "../x" (spec)',
    ],
    [
      'a folder that leaves the claim',
      minimal('  length: {frames: 81}\n  output: {persistentVolumeClaim: {claimName: films, path: a/../b}}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.output.persistentVolumeClaim.path: must be a folder below the root: names of letters, digits, ".", "_" and "-" with "/" between them, none of them "." or "..", found "a/../b" (spec)',
    ],
  ])('refuses %s in one line', (_what, text, expected) => {
    if (typeof expected === 'string') expect(problem(text)).toBe(expected);
    else expect(problem(text)).toMatch(expected);
  });
});

describe('jobSpecOf', () => {
  it('turns seconds into frames and leaves nothing but what the runner reads', () => {
    const { generation, name } = read(minimal('  length: {seconds: 5}\n  seed: 7\n  retries: {failures: 1}'));
    expect(jobSpecOf(name, generation, { modelFolder: '/m', outputFolder: '/o' })).toEqual({
      contractVersion: 1,
      name: 'lighthouse',
      prompt: 'a lighthouse',
      negativePrompt: '',
      seed: 7,
      frames: 81,
      size: { width: 832, height: 480 },
      fps: 16,
      model: { ref: 'tiny', folder: '/m' },
      sampling: { steps: 50, guidanceScale: 5, maxSequenceLength: 512, noise: 'counter', precision: 'auto' },
      parallelism: PARALLELISM,
      decoding: { tiling: false, precision: 'auto' },
      output: { folder: '/o', formats: ['mp4'] },
    });
  });
});
