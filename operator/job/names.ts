import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import { ANNOTATION_FROZEN, ANNOTATION_GPUS } from '../api/labels.ts';

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
 * Name of the Job of an attempt. The same (uid, attempt) always gives the same name, so creating twice is refused by the API
 * server instead of making two.
 */
export function jobName(resource: ResourceName, attempt: number): string {
  const head = resource.name.replaceAll('.', '-').slice(0, NAME_CHARACTERS).replace(/-+$/, '');
  return `${head}-${uidPart(resource.uid)}-${attempt}`;
}

/** Characters of a hash that tell two frozen specs of one Job's name apart. */
const HASH_CHARACTERS = 8;

/**
 * Name of the ConfigMap with what a Job makes. It says what is in it: a kubelet keeps an immutable one by its name, and would give the
 * pod of a Job whose number comes a second time, once its film's status is gone, what the first one made.
 */
export function frozenName(job: string, specHash: string | undefined): string {
  return specHash === undefined ? job : `${job}-${specHash.slice(0, HASH_CHARACTERS)}`;
}

/** The ConfigMap that a Job's pods read: what the Job says, or one of its own name, as operators made them that did not say it. */
export function mapOf({ metadata: { name, annotations } }: Annotated): string {
  return annotations?.[ANNOTATION_FROZEN] ?? name;
}

/** GPUs that a Job or pod asks for, where they are fewer than its film's spec wants. */
export function gpusOfJob({ metadata: { annotations } }: Annotated): number | undefined {
  const gpus = Number(annotations?.[ANNOTATION_GPUS]);
  return Number.isInteger(gpus) && gpus > 0 ? gpus : undefined;
}

interface Annotated {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

/** A status holds numbers up to here (`api/status.ts`), and what it can claim has to be known again; no film comes near. */
const MOST_ATTEMPTS = 1_000_000;

/** Number of the attempt that a Job of this name is for; undefined if it is no Job of this resource. */
export function attemptOfJob(resource: ResourceName, name: string | undefined): number | undefined {
  const number = Number(/-(\d+)$/.exec(name ?? '')?.[1]);
  return number >= 1 && number <= MOST_ATTEMPTS && jobName(resource, number) === name ? number : undefined;
}

/** Whether a Job or pod of this name can be ours: enough to drop events of everything else. */
export function isChildName(name: string): boolean {
  return /-[0-9a-f]{8}-\d+(-[a-z0-9]{5})?$/.test(name);
}

/**
 * Folder below which the pods of a Job write, each in one of its own (`runner/pod-folder.ts`), inside the pod: below the claim's root or the path below it, by namespace, name and a
 * part that no other Job and no later resource of the same name shares. So a runner that everybody believes dead
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
