import { describe, expect, it } from 'vitest';
import { CodedError } from './error.ts';
import { jobSpecOf, readManifest } from './manifest.ts';

const minimal = (spec = '', rest = '') => `apiVersion: dualparal.io/v1alpha1
kind: VideoGeneration
metadata: {name: lighthouse}
spec:
  prompt: a lighthouse
  model: {ref: tiny}
${spec === '' ? '  length: {frames: 81}' : spec}
${rest}`;

/** Text of the error that reading gives. */
function problem(text: string): string {
  try {
    readManifest(text, 'video.yaml');
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message} (${error.exit})`;
    throw error;
  }
  return 'none';
}

describe('readManifest', () => {
  it('fills in every default', () => {
    expect(readManifest(minimal(), 'video.yaml')).toEqual({
      name: 'lighthouse',
      generation: {
        prompt: 'a lighthouse',
        negativePrompt: '',
        seed: 42,
        length: { frames: 81 },
        size: { width: 832, height: 480 },
        fps: 16,
        model: { ref: 'tiny' },
        sampling: { steps: 50, guidanceScale: 5, maxSequenceLength: 512, noise: 'counter' },
        parallelism: { gpus: 8, blockLatents: 8, contextLatents: 4 },
        decoding: { tiling: false },
        output: { formats: ['mp4'] },
      },
      clusterOnly: [],
      unknown: [],
    });
  });

  it('names what only a cluster uses and what the resource does not have', () => {
    const text = minimal(
      `  length: {frames: 81}
  sise: {width: 64}
  sampling: {step: 3, zebra: 1}
  retries: {failures: 3, whatever: 1}
  runner: {image: x}
  output: {persistentVolumeClaim: {claimName: films}, formats: [mp4]}`,
      `extra: 1
---
kind: PersistentVolumeClaim
metadata: {name: films}`,
    );
    const { clusterOnly, unknown } = readManifest(text, 'video.yaml');
    expect({ clusterOnly, unknown }).toEqual({
      clusterOnly: [
        'spec.retries',
        'spec.runner',
        'spec.output.persistentVolumeClaim',
        'document PersistentVolumeClaim films',
      ],
      unknown: [
        { path: 'spec.sise', suggestion: 'spec.size' },
        { path: 'spec.sampling.step', suggestion: 'spec.sampling.steps' },
        { path: 'spec.sampling.zebra' },
        { path: 'extra' },
      ],
    });
  });

  it('takes the folder of a hostPath source, since it is one of this machine', () => {
    const folder = (model: string) =>
      readManifest(minimal(`  length: {frames: 81}`).replace('{ref: tiny}', model), 'video.yaml').modelFolder;
    expect(folder('{ref: tiny, source: {hostPath: {path: /data/tiny}}}')).toBe('/data/tiny');
    expect(folder('{ref: tiny, source: {image: {reference: m, path: a}}}')).toBeUndefined();
  });

  it('reads JSON and names the film after generateName where there is no name', () => {
    const film = { apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata: { generateName: 'storm-' } };
    const text = JSON.stringify({ ...film, spec: { prompt: 'x', length: { seconds: 1 }, model: { ref: 'y' } } });
    expect(readManifest(text, 'video.json').name).toBe('storm');
    expect(readManifest(text.replace('"generateName":"storm-"', ''), 'video.json').name).toBe('film');
  });

  it.each([
    ['nothing', '', 'E_MANIFEST_KIND: video.yaml must hold one document of kind VideoGeneration, found none (spec)'],
    ['a list', '- 1', 'E_MANIFEST_KIND: video.yaml must hold one document of kind VideoGeneration, found none (spec)'],
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
      'E_MANIFEST_FIELDS: video.yaml: spec.prompt: is required; spec.length: is required; spec.model: is required (spec)',
    ],
    [
      'an open bracket',
      minimal('  length: {frames: 81'),
      'E_MANIFEST_YAML: video.yaml:8:1: not readable as YAML: Flow map in block collection must be sufficiently indented and end with a } (spec)',
    ],
    [
      'a field twice',
      minimal('  length: {frames: 81}\n  seed: 1\n  seed: 2'),
      'E_MANIFEST_YAML: video.yaml:9:3: not readable as YAML: Map keys must be unique (spec)',
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
      'E_MANIFEST_FIELDS: video.yaml: spec.length.seconds: at 120 fps makes 7200001 frames, more than 1000001 (spec)',
    ],
    [
      'a wide context',
      minimal('  length: {frames: 81}\n  parallelism: {blockLatents: 2, contextLatents: 3}'),
      'E_MANIFEST_FIELDS: video.yaml: spec.parallelism.contextLatents: must be at most blockLatents, found 3 (spec)',
    ],
    [
      'several slips at once',
      minimal('  length: {frames: many}\n  size: {width: 833, height: -1}\n  fps: 0.5'),
      'E_MANIFEST_FIELDS: video.yaml: spec.length.frames: Invalid input: expected number, received string, found "many"; ' +
        'spec.size.width: Invalid number: must be a multiple of 16, found 833; ' +
        'spec.size.height: Too small: expected number to be >=16, found -1; ' +
        'spec.size.height: Invalid number: must be a multiple of 16, found -1; ' +
        'spec.fps: Invalid input: expected int, received number, found 0.5 (spec)',
    ],
    [
      'anchors that unfold without end',
      `${minimal()}\na: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]`,
      'E_MANIFEST_YAML: video.yaml:1:1: not readable as YAML: Excessive alias count indicates a resource exhaustion attack (spec)',
    ],
    [
      'megabytes',
      `# ${'x'.repeat(1_500_000)}`,
      'E_MANIFEST_SIZE: video.yaml has 1500002 characters; at most 1500000 are read: is it a manifest? (spec)',
    ],
  ])('refuses %s in one line', (_what, text, expected) => {
    expect(problem(text)).toBe(expected);
  });
});

describe('jobSpecOf', () => {
  it('turns seconds into frames and leaves nothing but what the runner reads', () => {
    const { generation, name } = readManifest(
      minimal('  length: {seconds: 5}\n  seed: 7\n  retries: {failures: 1}'),
      'video.yaml',
    );
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
      sampling: { steps: 50, guidanceScale: 5, maxSequenceLength: 512, noise: 'counter' },
      parallelism: { gpus: 8, blockLatents: 8, contextLatents: 4 },
      decoding: { tiling: false },
      output: { folder: '/o', formats: ['mp4'] },
    });
  });
});
