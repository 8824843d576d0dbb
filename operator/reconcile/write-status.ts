import { isDeepStrictEqual } from 'node:util';
import { API_VERSION, FIELD_OWNER, KIND, VIDEO_GENERATIONS } from '../api/labels.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { wantedIn, writtenIn } from '../kube/answer.ts';
import { apply } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { failureOf } from '../kube/failure.ts';
import { wellFormed } from '../kube/json-text.ts';
import { pathOf } from '../kube/resource.ts';
import type { Observed } from './observed.ts';
import type { Settlement } from './settle.ts';
import { learn, type Sources } from './sources.ts';
import type { StatusEvent } from './status/events.ts';
import { withUnwritten } from './unwritten.ts';

export interface WriteContext {
  readonly client: KubeClient;
  readonly sources: Sources;
  readonly recorder: EventRecorder;
  readonly signal: AbortSignal;
}

/**
 * Writes the status if there is news in it, then the events. A resource that is gone needs neither; one that has
 * changed since (`again`) has to be looked at anew.
 */
export async function writeStatus(
  observed: Observed,
  { status: decided, events }: Settlement,
  options: WriteContext,
): Promise<'written' | 'again' | 'gone'> {
  const { resource, status: before } = observed;
  // What is there already is well-formed: most rounds end here.
  const status = decided === undefined || isDeepStrictEqual(decided, before) ? undefined : wellFormed(decided);
  if (status?.claim !== undefined && isDeepStrictEqual(status, withUnwritten(before, status.claim))) {
    options.sources.unwritten.set(resource.uid, status.claim);
  } else if (status !== undefined && !isDeepStrictEqual(status, before)) {
    const { outcome } = await writeOrMeet(observed, status, options);
    if (outcome !== 'written') return outcome;
  }
  recordEvents(resource, events, options);
  return 'written';
}

/** What became of a write; `version` of what is stored. */
type Met = { readonly outcome: 'written'; readonly version: string } | { readonly outcome: 'again' | 'gone' };

/** Writes a well-formed status, or meets it: where the answer to a write was lost, its second try is refused for what the first one has written. */
export async function writeOrMeet(
  observed: Observed,
  status: VideoGenerationStatus,
  options: WriteContext,
): Promise<Met> {
  const written = await write(observed, status, options);
  if (written !== undefined) return { outcome: 'written', version: written };
  const found = await stillThere(observed.resource, options);
  if (found === undefined) return { outcome: 'gone' };
  const { resourceVersion: version } = found.metadata;
  const isMet = version !== undefined && isDeepStrictEqual(found.status, status);
  return isMet ? { outcome: 'written', version } : { outcome: 'again' };
}

/** Writes events of what is written down. */
export function recordEvents(
  { namespace, name, uid }: Observed['resource'],
  events: readonly StatusEvent[],
  { recorder }: Pick<WriteContext, 'recorder'>,
): void {
  for (const event of events) recorder.record({ apiVersion: API_VERSION, kind: KIND, namespace, name, uid }, event);
}

/**
 * Writes a status on the version of the resource that it was decided from, and on no other. Gives the version that came of
 * it; undefined if the resource is gone, or is not what it was.
 */
export async function write(
  { resource: { namespace, name, uid, version }, status: before }: Pick<Observed, 'resource' | 'status'>,
  decided: VideoGenerationStatus,
  { client, sources, signal }: WriteContext,
): Promise<string | undefined> {
  const metadata = { namespace, name, uid, ...(version === undefined ? {} : { resourceVersion: version }) };
  const options = { fieldOwner: FIELD_OWNER, subresource: 'status', signal };
  try {
    const status = wellFormed(decided);
    const object = { apiVersion: API_VERSION, kind: KIND, metadata, status };
    const answer = await apply<VideoGeneration>(client, VIDEO_GENERATIONS, object, options);
    const path = pathOf(VIDEO_GENERATIONS, { namespace, name });
    // What stands between may answer 200 with anything: what was not written must neither count as written nor fence the next write.
    const written = writtenIn<VideoGeneration>(answer, object, before, path);
    learn(sources.resources, [written]);
    sources.unwritten.delete(uid);
    return written.metadata.resourceVersion;
  } catch (error) {
    const { kind } = failureOf(error);
    if (kind === 'missing' || kind === 'conflict') return undefined;
    throw error;
  }
}

/** After a refused write: the cache learns what it was behind with. */
async function stillThere(
  { namespace, name, uid }: Observed['resource'],
  { client, sources, signal }: WriteContext,
): Promise<VideoGeneration | undefined> {
  try {
    const path = pathOf(VIDEO_GENERATIONS, { namespace, name });
    const wanted = { kind: KIND, metadata: { namespace, name } };
    const object = wantedIn<VideoGeneration>(await client.call({ method: 'GET', path, signal }), wanted, path);
    learn(sources.resources, [object]);
    return object.metadata.uid === uid ? object : undefined;
  } catch (error) {
    if (failureOf(error).kind === 'missing') return undefined;
    throw error;
  }
}
