/** Finds a model folder on disk and reads its index, or says what the folder is instead. */

import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, notYet } from '#contract/error.ts';
import { MODEL_INDEX } from '../model/config.ts';
import { nameIsTaken } from '../store/regular-file.ts';
import { errorName, isUnreachable } from '../store/system-error.ts';
import { weightsError } from './errors.ts';
import { explainFile, explainFolder } from './folder-layout.ts';
import { objectEntries } from './json-text.ts';
import { faultError, namesIn, readJsonFile } from './model-file.ts';

/** Subfolders that are looked into, so that a home folder given by mistake is not searched for long. */
const LOOKED_INTO = 200;

/** Real path of a folder. Throws `E_MODEL_FOLDER`. */
export function realFolder(folder: string): string {
  const fail = (problem: string, cause?: unknown) => weightsError('E_MODEL_FOLDER', { folder, problem }, cause);
  try {
    if (statSync(folder).isDirectory()) return realpathSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') throw fail('may not be read by this user (EACCES); change its permissions', error);
    if (isUnreachable(error)) {
      const reason = `cannot be read (${errorName(error as NodeJS.ErrnoException)})`;
      throw weightsError('E_MODEL_UNREACHABLE', { file: `model folder ${folder}`, reason }, error);
    }
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw fail(`cannot be read (${code})`, error);
    if (nameIsTaken(folder)) throw fail('is a link that leads nowhere', error);
    throw notYet(fail('does not exist', error));
  }
  throw fail(explainFile(folder));
}

/** `model_index.json` of a model folder, parsed. Throws the `E_MODEL_…` errors of files, or `E_MODEL_LAYOUT` for another kind of folder. */
export function readModelIndex(folder: string): unknown {
  const path = join(folder, MODEL_INDEX);
  if (!nameIsTaken(path)) {
    const finding = explainFolder(look(folder));
    if (finding !== undefined) {
      const { found, wayOut, unfinished = false } = finding;
      const error = weightsError('E_MODEL_LAYOUT', { place: `model folder ${folder}`, found, wayOut });
      throw unfinished ? notYet(error) : error;
    }
    throw faultError(path, MODEL_INDEX, { kind: 'missing', reason: '' });
  }
  return readJsonFile(path, MODEL_INDEX);
}

function look(folder: string) {
  const names = namesIn(folder);
  const isModel = (path: string) => nameIsTaken(join(path, MODEL_INDEX));
  const below = names
    .filter((name) => name !== 'node_modules')
    .slice(0, LOOKED_INTO)
    .map((name) => join(folder, name));
  const deeper = below.flatMap((path) =>
    namesIn(path)
      .slice(0, LOOKED_INTO)
      .map((name) => join(path, name)),
  );
  const nearest = below.filter(isModel);
  const models = nearest.length > 0 ? nearest : [...deeper, ...snapshotsOf(below)].filter(isModel);
  return { names, configClass: configClass(folder), models, parentIsModel: isModel(join(folder, '..')) };
}

/** Snapshots of the models of a hub cache, which lie three levels down. */
function snapshotsOf(folders: readonly string[]): readonly string[] {
  const caches = folders.filter((path) => path.includes('models--')).map((path) => join(path, 'snapshots'));
  return caches.flatMap((path) => namesIn(path).map((name) => join(path, name)));
}

function configClass(folder: string): string | null {
  try {
    const fields = new Map(objectEntries(readJsonFile(join(folder, 'config.json'), 'config.json')) ?? []);
    const name = fields.get('_class_name') ?? fields.get('model_type');
    return typeof name === 'string' ? name : null;
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}
