import type { VideoGenerationSpec } from '#contract/resource-spec.ts';

/** Where things are inside the pod. */
export const MODEL_MOUNT = '/models';
export const OUTPUT_MOUNT = '/output';
export const FROZEN_MOUNT = '/etc/dualparal';
export const TOKEN_MOUNT = '/var/run/secrets/dualparal';
export const JOB_FILE = 'job.json';
export const CA_FILE = 'ca.crt';
export const TOKEN_FILE = 'token';

/** A resource as far as its children's names depend on it. */
export interface ResourceName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A pod carries its Job's name as a label, which holds 63 characters; this leaves room for the rest. */
const NAME_CHARACTERS = 44;

/**
 * Name of the Job of an attempt, and of the ConfigMap with its frozen spec. The same (uid, attempt) always gives the same
 * name, so creating twice is refused by the API server instead of making two.
 */
export function jobName(resource: ResourceName, attempt: number): string {
  const head = resource.name.replaceAll('.', '-').slice(0, NAME_CHARACTERS).replace(/-+$/, '');
  return `${head}-${uidPart(resource.uid)}-${attempt}`;
}

/** Whether a Job or pod of this name can be ours: enough to drop events of everything else. */
export function isChildName(name: string): boolean {
  return /-[0-9a-f]{8}-\d+(-[a-z0-9]{5})?$/.test(name);
}

/**
 * Folder that an attempt writes to, inside the pod: below the claim's root or the path below it, by namespace, name and a
 * part that no other attempt and no later resource of the same name shares. So a runner that everybody believes dead
 * cannot write over its successor's film.
 */
export function outputFolder(resource: ResourceName, spec: VideoGenerationSpec, attempt: number): string {
  const own = [resource.namespace, resource.name, `${uidPart(resource.uid)}-${attempt}`];
  return [OUTPUT_MOUNT, ...given(spec.output.persistentVolumeClaim.path), ...own].join('/');
}

/** Folder of the model inside the pod. */
export function modelFolder(spec: VideoGenerationSpec): string {
  const { persistentVolumeClaim, image } = spec.model.source;
  return [MODEL_MOUNT, ...given(persistentVolumeClaim?.path ?? image?.path)].join('/');
}

/** A path inside the pod as people outside find it: `pvc://CLAIM/PATH`; paths elsewhere stay as they are. */
export function outputLocation(spec: VideoGenerationSpec, path: string): string {
  const inside = path.startsWith(`${OUTPUT_MOUNT}/`);
  return inside ? `pvc://${spec.output.persistentVolumeClaim.claimName}${path.slice(OUTPUT_MOUNT.length)}` : path;
}

function uidPart(uid: string): string {
  return uid.replaceAll('-', '').slice(0, 8);
}

function given(part: string | undefined): readonly string[] {
  return part === undefined ? [] : [part];
}
