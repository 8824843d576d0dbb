import type { Claim } from '../store/claim.ts';
import { digestOf } from '../store/digest.ts';
import type { Store } from '../store/store.ts';
import { outputError } from './errors.ts';
import { CONTACT_SHEET, POSTER } from './poster.ts';
import { differences, type FilmRecord, parseRecord, RECORD_FILE } from './record.ts';
import { blocksFolder, RESUMABLE_BLOCKS } from './stored-blocks.ts';

export const FILM_FILE = 'video.mp4';
export const PARTIAL_FILE = 'partial.mp4';
/** Folder of a film's checkpoints, which are another room's. */
export const CHECKPOINT_FOLDER = 'checkpoint/';
const OUR_FILES = [FILM_FILE, PARTIAL_FILE, POSTER, CONTACT_SHEET];
/** Whether a run keeps files of its own under this name of its folder, now or at its end. */
export function isOurName(name: string): boolean {
  return [...OUR_FILES, RECORD_FILE, 'blocks', 'checkpoint'].includes(name) || /^(running-|\.unfinished)/.test(name);
}

/** No record of ours is longer. */
const RECORD_BYTES = 1 << 22;
const MOST_DIFFERENCES = 3;

/**
 * Looks at what stands where a film of `of` will be written and gives the record of an earlier run of the same film, if there is
 * one. Throws `E_OUTPUT_OTHER_FILM` for the film, or the blocks, of another spec, and `E_OUTPUT_FOREIGN` for files that are not
 * ours or were changed; `overwrite` lets both be replaced, except what is no file at all.
 */
export async function surveyOutput(
  store: Store,
  of: unknown,
  dead: readonly Claim[],
  overwrite: boolean,
): Promise<FilmRecord | undefined> {
  // A link in the place of the blocks' folder is refused here already.
  await store.list(blocksFolder(store.attempt));
  const present = await presentFiles(store);
  if (overwrite) return undefined;
  for (const claim of dead) {
    for (const folder of [blocksFolder(claim.attempt), blocksFolder(RESUMABLE_BLOCKS)]) {
      if ((await store.list(folder)).length > 0) refuseOther(store, folder, claim.of, of);
    }
  }
  const record = present.includes(RECORD_FILE) ? await readRecord(store) : undefined;
  if (record === undefined && present[0] !== undefined) {
    throw foreign(store, present[0], 'is there already, without a record of ours that says what it is');
  }
  const files = present.filter((name) => name !== RECORD_FILE);
  if (record === undefined || files[0] === undefined) return undefined;
  refuseOther(store, files[0], record.of, of);
  await refuseChanged(store, files, record);
  return record;
}

/** Names of ours under which something stands; what is no file is refused. */
async function presentFiles(store: Store): Promise<readonly string[]> {
  const present: string[] = [];
  for (const name of [...OUR_FILES, RECORD_FILE]) {
    const entry = await store.look(name);
    if (entry === 'no file') throw foreign(store, name, 'is a folder, a link or a device, not a file');
    if (entry !== 'nothing') present.push(name);
  }
  return present;
}

/** Files that were being written when their run was killed have no digest to compare with. */
async function refuseChanged(store: Store, files: readonly string[], record: FilmRecord): Promise<void> {
  if (record.publishing === true) return;
  for (const name of files) {
    if ((await digestOf(store, name)) !== record.files[name]) throw foreign(store, name, 'is not as it was written');
  }
}

function refuseOther(store: Store, name: string, there: unknown, here: unknown): void {
  const found = differences(there, here);
  if (found.length === 0) return;
  const more = found.length > MOST_DIFFERENCES ? ', …' : '';
  const what = `${found.slice(0, MOST_DIFFERENCES).join(', ')}${more}`;
  throw outputError('E_OUTPUT_OTHER_FILM', { path: `${store.location}/${name}`, differences: what });
}

function foreign(store: Store, name: string, what: string) {
  return outputError('E_OUTPUT_FOREIGN', { path: `${store.location}/${name}`, what });
}

/** The record that stands in a store, if it is one of ours. Throws as reading does. */
export async function readRecord(store: Store): Promise<FilmRecord | undefined> {
  return parseRecord(Buffer.from(await store.read(RECORD_FILE, 0, RECORD_BYTES)).toString('utf8'));
}
