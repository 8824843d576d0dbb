import { realpathSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { shortJson, shortText } from '../model/short-json.ts';
import { nameIsTaken } from '../store/regular-file.ts';
import type { TensorEntry } from '../tensor.ts';
import { absentWeights, unfinishedWeights } from './absent-weights.ts';
import { weightsError } from './errors.ts';
import { objectEntries } from './json-text.ts';
import { namesIn, readJsonFile } from './model-file.ts';
import { readSafetensorsHeader } from './safetensors.ts';

/**
 * The weights of one component: where each tensor lies. `folder` is a real path and the files are relative to it, so that
 * the runtime maps them in place, also when the model folder holds links (as a hub cache's snapshots do).
 */
export interface ComponentWeights {
  readonly folder: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Bytes of all files. */
  readonly byteLength: number;
}

const INDEX_LIMIT_BYTES = 2 ** 26;
const FILE_NAME = /^[^/\\\0]+\.safetensors$/;

/** The safetensors files of a component, and which tensor an index puts in which of them; `listed` is null without an index. */
export interface ComponentFiles {
  readonly folder: string;
  readonly names: readonly string[];
  readonly listed: ReadonlyMap<string, string> | null;
  /** A file's name in messages: relative to the model folder. */
  labelOf(name: string): string;
  readonly indexLabel: string;
}

/**
 * Names a component's files: those of `<base>.safetensors.index.json`, or the single `<base>.safetensors`.
 * Throws the `E_MODEL_…` errors of files, `E_WEIGHTS_INDEX`, `E_WEIGHTS_NAMED`.
 */
export function listFiles(modelFolder: string, component: string, base: string): ComponentFiles {
  const folder = join(modelFolder, component);
  const labelOf = (name: string) => `${component}/${name}`;
  const index = `${base}.safetensors.index.json`;
  const indexLabel = labelOf(index);
  const single = `${base}.safetensors`;
  const hasIndex = nameIsTaken(join(folder, index));
  const present = namesIn(folder);
  if (!hasIndex && !nameIsTaken(join(folder, single))) throw absentWeights(component, base, present);
  const listed = hasIndex ? readIndex(join(folder, index), indexLabel) : null;
  const names = listed === null ? [single] : [...new Set(listed.values())].sort();
  const unfinished = unfinishedWeights(component, names, present);
  if (unfinished !== undefined) throw unfinished;
  return { folder, names, listed, labelOf, indexLabel };
}

/**
 * Opens a component's safetensors. Only headers are read; every byte that they describe must be there.
 * Throws `E_MODEL_…` and `E_WEIGHTS_…` errors, with file names relative to `modelFolder`.
 */
export function openWeights(modelFolder: string, component: string, base: string): ComponentWeights {
  const all = listFiles(modelFolder, component, base);
  const files = all.names.map((name) => {
    const header = readSafetensorsHeader(join(all.folder, name), all.labelOf(name));
    return { name, header, path: realpathSync(join(all.folder, name)) };
  });
  const root = commonFolder(files.map((file) => file.path));
  const tensors = new Map<string, TensorEntry>();
  for (const { name, header, path } of files) {
    const file = relative(root, path).replaceAll(sep, '/');
    for (const [tensor, entry] of header.tensors) {
      checkListed(all, tensor, name);
      tensors.set(tensor, { ...entry, file });
    }
  }
  checkAllFound(all, tensors);
  return { folder: root, tensors, byteLength: files.reduce((sum, file) => sum + file.header.byteLength, 0) };
}

/** A tensor must lie in the file where the index puts it. Throws `E_WEIGHTS_INDEX`. */
export function checkListed(files: ComponentFiles, tensor: string, name: string): void {
  if (files.listed !== null && files.listed.get(tensor) !== name) throw misplaced(files, tensor, name);
}

/** Every tensor of the index must have been found. Throws `E_WEIGHTS_INDEX` for the first that was not. */
export function checkAllFound(files: ComponentFiles, found: { has(tensor: string): boolean }): void {
  for (const tensor of files.listed?.keys() ?? []) if (!found.has(tensor)) throw misplaced(files, tensor, undefined);
}

function misplaced({ listed, indexLabel }: ComponentFiles, tensor: string, found: string | undefined): Error {
  const where = (name: string | undefined) => (name === undefined ? 'no file' : shortText(name));
  const problem = `tensor ${shortJson(tensor)} is listed in ${where(listed?.get(tensor))}, but lies in ${where(found)}`;
  return weightsError('E_WEIGHTS_INDEX', { file: indexLabel, problem });
}

/** `weight_map`: tensor → file name. Names that leave the folder are refused. */
function readIndex(path: string, file: string): ReadonlyMap<string, string> {
  const fail = (problem: string) => weightsError('E_WEIGHTS_INDEX', { file, problem });
  const map = new Map(objectEntries(readJsonFile(path, file, INDEX_LIMIT_BYTES)) ?? []).get('weight_map');
  const entries = objectEntries(map);
  if (entries === undefined) throw fail('it has no weight_map');
  if (entries.length === 0) throw fail('its weight_map is empty');
  return new Map(
    entries.map(([tensor, name]): [string, string] => {
      if (typeof name === 'string' && FILE_NAME.test(name)) return [tensor, name];
      throw fail(`tensor ${shortJson(tensor)} lies in ${shortJson(name)}, not in a file of this folder`);
    }),
  );
}

/** The deepest folder that holds all files. */
function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  const holds = (path: string) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  while (!paths.every(holds)) folder = dirname(folder);
  return folder;
}
