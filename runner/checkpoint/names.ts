/** Names of a checkpoint's files inside a store. Pure. */

import { CHECKPOINT_FOLDER } from '../output/survey.ts';

const DIGITS = 7;
const numbered = (prefix: string, number: number, ending: string) =>
  `${CHECKPOINT_FOLDER}${prefix}-${String(number).padStart(DIGITS, '0')}.${ending}`;
const MANIFEST = /^checkpoint\/after-(\d{7,})\.json$/;
const OURS = /^checkpoint\/(after-\d{7,}\.json|state-\d{7,}\.f32|latents-\d{7,}\.f32)$/;

/**
 * Whose checkpoints lie beside it: an identity of the namespace of the cluster that they were made in. A volume may be mounted by
 * other clusters as well, whose films this one knows nothing of.
 */
export const REALM_FILE = `${CHECKPOINT_FOLDER}realm.json`;
/** The manifest of a run after an iteration. */
export const manifestName = (iteration: number) => numbered('after', iteration, 'json');
/** States of the blocks in flight after an iteration. */
export const stateName = (iteration: number) => numbered('state', iteration, 'f32');
/** Clean latents of a finished block. */
export const latentsName = (block: number) => numbered('latents', block, 'f32');

/** The iteration of a manifest's name; undefined for other names. */
export function iterationOfName(name: string): number | undefined {
  const digits = MANIFEST.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether a file of this name is part of a checkpoint. */
export function isCheckpointFile(name: string): boolean {
  return OURS.test(name);
}

/** Whether it belongs to one checkpoint alone: a manifest or its states. */
export function isStateOfRun(name: string): boolean {
  return isCheckpointFile(name) && !name.startsWith(`${CHECKPOINT_FOLDER}latents-`);
}
