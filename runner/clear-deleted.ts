import { basename, dirname } from 'node:path';
import type { FilmFolder } from '#contract/deleted-films.ts';
import { clearLeft } from './checkpoint/clear.ts';
import { realmIn } from './checkpoint/realm.ts';
import { attemptFolders } from './pod-folder.ts';
import { openStore } from './store/open.ts';
import { subfolders } from './store/subfolders.ts';

/*
 * Checkpoints of films whose resource was deleted. Nothing holds the deletion of a resource back, and nobody has to be there to see it: the next
 * runner that has the same volume looks for what is left, asks which of those films are deleted, and removes their checkpoints. In this order, so
 * that a film that is made meanwhile is none of those that were asked for. Films, records and pictures stay.
 */

/** Folder of a Job: `UIDPART-NUMBER`, in one with the film's name. */
const JOB_FOLDER = /^([0-9a-f]{8})-\d+$/;
const NAME_FOLDER = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

export interface ClearDeletedOptions {
  /** Folder of the running pod: `…/NAMESPACE/NAME/UIDPART-NUMBER/POD`. */
  readonly own: string;
  /** Identity of its namespace and cluster; checkpoints of any other are left alone. */
  readonly realm: string;
  /** Those of the films that are known to be deleted, as they become known. */
  readonly deletedOf: (films: readonly FilmFolder[]) => AsyncIterable<readonly FilmFolder[]>;
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A film that others have left, and its folders with checkpoints in them. */
interface Left extends FilmFolder {
  readonly folders: readonly string[];
}

/** Removes the checkpoints of deleted films; gives the folders that it has cleared. What cannot be done is said; never throws. */
export async function clearDeletedFilms(options: ClearDeletedOptions): Promise<readonly string[]> {
  const { deletedOf, warn, signal } = options;
  const cleared: string[] = [];
  try {
    const left = await leftFilms(options);
    if (left.length === 0) return cleared;
    for await (const deleted of deletedOf(left.map(({ name, uidPart }) => ({ name, uidPart })))) {
      for (const folder of foldersOf(left, deleted)) {
        if (signal.aborted) return cleared;
        if (await succeeds(() => clearLeft(openStore(folder)), options)) cleared.push(folder);
      }
    }
  } catch (error) {
    warn(`checkpoints of films that were deleted stay: ${(error as Error).message}`);
  }
  return cleared;
}

function foldersOf(left: readonly Left[], deleted: readonly FilmFolder[]): readonly string[] {
  return left.filter((film) => deleted.some((other) => isSame(film, other))).flatMap(({ folders }) => folders);
}

/** One folder that cannot be read, or cleared, keeps no other. */
async function succeeds(work: () => Promise<void>, { warn }: ClearDeletedOptions): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    warn(`the checkpoint of a film that may be deleted stays: ${(error as Error).message}`);
    return false;
  }
}

async function leftFilms(options: ClearDeletedOptions): Promise<readonly Left[]> {
  const jobFolder = dirname(options.own);
  const mine = filmOf(jobFolder);
  if (mine === undefined) return [];
  const left: Left[] = [];
  for (const nameFolder of await subfolders(dirname(dirname(jobFolder)), NAME_FOLDER)) {
    if (options.signal.aborted) return [];
    await succeeds(async () => {
      left.push(...(await leftOf(nameFolder, options)).filter((film) => !isSame(film, mine)));
    }, options);
  }
  return left;
}

/** Of films of one name, which were made one after another. */
async function leftOf(nameFolder: string, { realm, warn }: ClearDeletedOptions): Promise<readonly Left[]> {
  const left: Left[] = [];
  const jobs = await subfolders(nameFolder, JOB_FOLDER);
  for (const [uidPart, folders] of Map.groupBy(jobs, (folder) => filmOf(folder)?.uidPart ?? '')) {
    const found: string[] = [];
    for (const folder of await attemptFolders(folders, warn))
      if ((await realmIn(openStore(folder))) === realm) found.push(folder);
    if (found.length > 0) left.push({ name: basename(nameFolder), uidPart, folders: found });
  }
  return left;
}

function filmOf(jobFolder: string): FilmFolder | undefined {
  const uidPart = JOB_FOLDER.exec(basename(jobFolder))?.[1];
  return uidPart === undefined ? undefined : { name: basename(dirname(jobFolder)), uidPart };
}

function isSame(a: FilmFolder, b: FilmFolder): boolean {
  return a.name === b.name && a.uidPart === b.uidPart;
}
