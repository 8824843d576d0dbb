import { specSchema, type VideoGenerationSpec } from '#contract/resource-spec.ts';
import type { VideoGeneration } from '../../operator/api/video-generation.ts';

/** Uid of the resource that the builders make children for. */
export const UID = '3f2a9c1b-0d4e-4f6a-8b7c-112233445566';

type Modifier = (film: VideoGeneration) => VideoGeneration;

/** The least that the API server takes, with its defaults applied as the API server applies them. */
export function videoGeneration(...modifiers: readonly Modifier[]): VideoGeneration {
  const film: VideoGeneration = {
    apiVersion: 'dualparal.io/v1alpha1',
    kind: 'VideoGeneration',
    metadata: { name: 'lighthouse', namespace: 'films', uid: UID, generation: 1, resourceVersion: '10' },
    spec: videoGenerationSpec(),
  };
  return modifiers.reduce((made, modify) => modify(made), film);
}

/** A small spec; `fields` replaces whole fields of it. */
export function videoGenerationSpec(fields: Readonly<Record<string, unknown>> = {}): VideoGenerationSpec {
  return specSchema.parse({
    prompt: 'a lighthouse in a storm',
    length: { frames: 81 },
    model: { ref: 'tiny', source: { persistentVolumeClaim: { claimName: 'models' } } },
    output: { persistentVolumeClaim: { claimName: 'films' } },
    ...fields,
  });
}

export const withSpec =
  (fields: Readonly<Record<string, unknown>>): Modifier =>
  (film) => ({ ...film, spec: videoGenerationSpec(fields) });

export const withMetadata =
  (fields: Partial<VideoGeneration['metadata']>): Modifier =>
  (film) => ({ ...film, metadata: { ...film.metadata, ...fields } });

export const withStatus =
  (status: VideoGeneration['status']): Modifier =>
  (film) => ({ ...film, ...(status === undefined ? {} : { status }) });
