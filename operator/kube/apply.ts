import { wantedIn } from './answer.ts';
import type { KubeClient } from './client.ts';
import { ApiError, failureOf, kubeError } from './failure.ts';
import { controllerOf, type KubeObject, pathOf, type ResourceType } from './resource.ts';

const APPLY_PATCH = 'application/apply-patch+yaml';

type Named = KubeObject & { readonly apiVersion: string; readonly kind: string };

/**
 * Server-side apply of `object` as `fieldOwner`, who gets every field of it. A `uid` in its metadata makes sure that it is
 * the object that was meant and not a later one of the same name.
 */
export function apply<T extends KubeObject>(
  client: KubeClient,
  resource: ResourceType,
  object: Named,
  options: { readonly fieldOwner: string; readonly subresource?: string; readonly signal?: AbortSignal },
): Promise<T> {
  const { name, namespace } = object.metadata;
  return client.call<T>({
    method: 'PATCH',
    path: pathOf(resource, { name, namespace, subresource: options.subresource }),
    query: { fieldManager: options.fieldOwner, force: true, fieldValidation: 'Strict' },
    contentType: APPLY_PATCH,
    body: object,
    signal: options.signal,
  });
}

/**
 * Creates an object whose name follows from its owner. If it exists already it was made by an earlier try, so its
 * controller must be the same owner; anything else of that name is an error and stays untouched. What an earlier owner of
 * the owner's name has left is about to be cleared away: a `conflict`, which passes by itself.
 */
export async function createOwned<T extends Named>(
  client: KubeClient,
  resource: ResourceType,
  object: T,
  options: { readonly fieldOwner: string; readonly signal?: AbortSignal },
): Promise<{ readonly object: T; readonly created: boolean }> {
  const { name, namespace } = object.metadata;
  try {
    const path = pathOf(resource, { namespace });
    const query = { fieldManager: options.fieldOwner, fieldValidation: 'Strict' };
    const answer = await client.call({ method: 'POST', path, query, body: object, signal: options.signal });
    return { object: wantedIn<T>(answer, object, path), created: true };
  } catch (error) {
    if (failureOf(error).kind !== 'exists') throw error;
  }
  const path = pathOf(resource, { namespace, name });
  const found = wantedIn<T>(await client.call({ method: 'GET', path, signal: options.signal }), object, path);
  const [theirs, ours] = [controllerOf(found), controllerOf(object)];
  if (theirs?.uid === ours?.uid) return { object: found, created: false };
  if (theirs === undefined || theirs.kind !== ours?.kind || theirs.name !== ours.name)
    throw kubeError('E_KUBE_FOREIGN', { kind: object.kind, name });
  const message = `${object.kind} ${name} is left from an earlier ${theirs.kind} of that name`;
  throw new ApiError({ kind: 'conflict', status: 409, message });
}
