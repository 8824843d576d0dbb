import { isDeepStrictEqual } from 'node:util';
import { API_VERSION, FIELD_OWNER, GROUP, KIND, PLURAL, VERSION } from '../api/labels.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { apply } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { failureOf } from '../kube/failure.ts';
import type { ResourceType } from '../kube/resource.ts';
import type { Observed } from './observed.ts';
import type { Settlement } from './settle.ts';
import type { Sources } from './sources.ts';

export const FILMS: ResourceType = { group: GROUP, version: VERSION, plural: PLURAL };

export interface WriteContext {
  readonly client: KubeClient;
  readonly sources: Sources;
  readonly recorder: EventRecorder;
  readonly signal: AbortSignal;
}

/** Writes the status if it differs from what is there, then the events. A resource that is gone needs neither. */
export async function writeStatus(
  { resource, status: before }: Observed,
  { status, events }: Settlement,
  { client, sources, recorder, signal }: WriteContext,
): Promise<void> {
  const { namespace, name, uid } = resource;
  if (status !== undefined && !isDeepStrictEqual(status, before)) {
    const object = { apiVersion: API_VERSION, kind: KIND, metadata: { namespace, name, uid }, status };
    try {
      const options = { fieldOwner: FIELD_OWNER, subresource: 'status', signal };
      sources.films.learn(withoutManagedFields(await apply<VideoGeneration>(client, FILMS, object, options)));
    } catch (error) {
      const { kind } = failureOf(error);
      if (kind === 'missing' || kind === 'conflict') return;
      throw error;
    }
  }
  for (const event of events) recorder.record({ apiVersion: API_VERSION, kind: KIND, namespace, name, uid }, event);
}

/** As the reflector keeps objects. */
function withoutManagedFields(film: VideoGeneration): VideoGeneration {
  const { managedFields: _dropped, ...metadata } = film.metadata as VideoGeneration['metadata'] & {
    managedFields?: unknown;
  };
  return { ...film, metadata };
}
