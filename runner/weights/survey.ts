import { join } from 'node:path';
import { CodedError, type ErrorRecord, toErrorRecord } from '#contract/error.ts';
import { elementCount, type TensorEntry } from '../tensor.ts';
import { compareTensors, differenceErrors, type TensorDifferences, withoutAliases } from './checks.ts';
import { BASES, type Component } from './components.ts';
import { weightsError } from './errors.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import { type ComponentFiles, checkAllFound, checkListed, listFiles } from './shards.ts';

/** Folder of a component that has weights. */
export type ComponentFolder = keyof typeof BASES;

/** A weights file: bytes that its header describes, and bytes that are there. */
export interface FileSurvey {
  readonly file: string;
  readonly byteLength: number;
  readonly presentBytes: number;
}

/** What the files of one component hold, whatever is wrong with them. */
export interface ComponentSurvey extends TensorDifferences {
  readonly folder: ComponentFolder;
  /** Whether its config can be read; without it, nothing is known to be missing or too many. */
  readonly configRead: boolean;
  readonly files: readonly FileSurvey[];
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly parameters: number;
  /** Bytes of the tensors, by element type. */
  readonly dtypes: Readonly<Record<string, number>>;
  /** Files that hold their header and none of their data. */
  readonly headerOnlyFiles: number;
  readonly problems: readonly ErrorRecord[];
}

/** Runs `work`; a coded error goes into `problems` and gives null, anything else is thrown on. */
export function collect<T>(problems: ErrorRecord[], work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    problems.push(toErrorRecord(error));
    return null;
  }
}

/**
 * Reads the headers of a component's files and goes on past every problem. `component` says what its config asks for; null,
 * when the config cannot be read, compares nothing. Never throws a coded error.
 */
export function surveyComponent(
  modelFolder: string,
  folder: ComponentFolder,
  component: Component | null,
): ComponentSurvey {
  const problems: ErrorRecord[] = [];
  const listing = collect(problems, () => listFiles(modelFolder, folder, BASES[folder]));
  const { files, stored, headerOnlyFiles } = readHeaders(listing, problems);
  const tensors = component === null ? stored : withoutAliases(stored, component);
  const differences =
    component === null || listing === null
      ? { missing: [], surplus: [], misshapen: [] }
      : compareTensors(tensors, component);
  problems.push(...differenceErrors(folder, differences).map(toErrorRecord));
  const dtypes: Record<string, number> = {};
  for (const { dtype, byteLength } of tensors.values()) dtypes[dtype] = (dtypes[dtype] ?? 0) + byteLength;
  const parameters = [...tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return {
    folder,
    configRead: component !== null,
    files,
    tensors,
    parameters,
    dtypes,
    headerOnlyFiles,
    ...differences,
    problems,
  };
}

function readHeaders(listing: ComponentFiles | null, problems: ErrorRecord[]) {
  const files: FileSurvey[] = [];
  const stored = new Map<string, TensorEntry>();
  let headerOnlyFiles = 0;
  for (const name of listing?.names ?? []) {
    const file = listing!.labelOf(name);
    const header = collect(problems, () => readSafetensorsHeader(join(listing!.folder, name), file, 'any'));
    if (header === null) continue;
    const { byteLength, missingBytes, headerOnly } = header;
    files.push({ file, byteLength, presentBytes: byteLength - missingBytes });
    headerOnlyFiles += headerOnly ? 1 : 0;
    if (missingBytes > 0 && !headerOnly) {
      const have = byteLength - missingBytes;
      problems.push(toErrorRecord(weightsError('E_WEIGHTS_TRUNCATED', { file, have, need: byteLength })));
    }
    collect(problems, () => {
      for (const tensor of header.tensors.keys()) checkListed(listing!, tensor, name);
    });
    for (const [tensor, entry] of header.tensors) stored.set(tensor, entry);
  }
  // A tensor of a file that could not be read is no mistake of the index.
  if (listing !== null && files.length === listing.names.length)
    collect(problems, () => checkAllFound(listing, stored));
  return { files, stored, headerOnlyFiles };
}
