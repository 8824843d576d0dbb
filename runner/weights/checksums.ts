import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { CodedError } from '#contract/error.ts';
import { COMPONENTS, MODEL_INDEX } from '../model/config.ts';
import { shortText } from '../model/short-json.ts';
import { decodeUtf8 } from '../store/regular-file.ts';
import { BASES } from './components.ts';
import { weightsError } from './errors.ts';
import { readModelFile, withModelFile } from './model-file.ts';
import { listFiles } from './shards.ts';

/** Sums of a model's files, in the model folder, as `sha256sum` prints them: `<64 hexadecimal digits>  <path>` a line. */
export const CHECKSUM_FILE = 'sha256sums';
/** Files of the tokenizer that are read. */
export const TOKENIZER_FILES = ['tokenizer/tokenizer.json', 'tokenizer/tokenizer_config.json'];

const LINE = /^([0-9a-f]{64}) [ *](.+)$/i;
const BUFFER_BYTES = 2 ** 22;
const LIST_LIMIT_BYTES = 2 ** 24;

/**
 * Reads every file of {@link CHECKSUM_FILE} and compares its sum; also, every file that the model is read from must be listed.
 * Yields the errors, in the order of the files: `E_MODEL_CHECKSUM`, `E_MODEL_CHECKSUMS` and the `E_MODEL_…` errors of files. Takes as long as reading the
 * whole model does; `onFile` hears of each file before it is read.
 */
export function* checksumErrors(
  folder: string,
  twoExperts: boolean,
  onFile: (file: string) => void = () => {},
): Generator<Error, void, undefined> {
  const { sums, errors } = readSums(folder);
  yield* errors;
  if (sums === null) return;
  for (const [file, wanted] of sums) {
    onFile(file);
    const found = sha256Of(join(folder, file), file);
    if (found instanceof Error) yield found;
    else if (found !== wanted) yield weightsError('E_MODEL_CHECKSUM', { file, found, wanted });
  }
  for (const file of filesOf(folder, twoExperts)) {
    if (!sums.has(file)) yield damaged(`has no line for ${file}`);
  }
}

function damaged(problem: string): Error {
  return weightsError('E_MODEL_CHECKSUMS', { file: CHECKSUM_FILE, problem });
}

function readSums(folder: string): {
  readonly sums: ReadonlyMap<string, string> | null;
  readonly errors: readonly Error[];
} {
  const read = attempt(() => readModelFile(join(folder, CHECKSUM_FILE), CHECKSUM_FILE, LIST_LIMIT_BYTES));
  if (read instanceof Error) return { sums: null, errors: [read] };
  const decoded = decodeUtf8(read);
  if ('problem' in decoded) return { sums: null, errors: [damaged(decoded.problem)] };
  const sums = new Map<string, string>();
  const errors: Error[] = [];
  for (const [index, line] of decoded.text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [, sum, path] = LINE.exec(line) ?? [];
    const file = path && normalize(path);
    const problem = lineProblem(line, file, sums);
    if (problem === undefined) sums.set(file!, sum!.toLowerCase());
    else errors.push(damaged(`line ${index + 1} ${problem}`));
  }
  return { sums, errors };
}

function lineProblem(line: string, file: string | undefined, sums: ReadonlyMap<string, string>): string | undefined {
  if (file === undefined) return `is no sum and path: ${shortText(line)}`;
  if (file.startsWith('/') || file.startsWith('..')) return `names a file outside of the folder: ${shortText(file)}`;
  return sums.has(file) ? `names ${shortText(file)} a second time` : undefined;
}

/** The file's sum in lower case, or the error that kept it from being read. */
function sha256Of(path: string, file: string): string | Error {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(BUFFER_BYTES);
  return attempt(() =>
    withModelFile(path, file, ({ descriptor }) => {
      for (let read = readSync(descriptor, buffer); read > 0; read = readSync(descriptor, buffer)) {
        hash.update(buffer.subarray(0, read));
      }
      return hash.digest('hex');
    }),
  );
}

/** What `work` gives, or the coded error that it throws. */
function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

/** Every file that the model is read from, relative to its folder. */
function filesOf(folder: string, twoExperts: boolean): readonly string[] {
  const isPresent = (file: string) => twoExperts || !file.startsWith('transformer_2');
  const weights = Object.entries(BASES).filter(([component]) => isPresent(component));
  return [
    MODEL_INDEX,
    ...Object.values(COMPONENTS).filter(isPresent),
    ...weights.flatMap(([component, base]) => {
      const { names, listed, labelOf, indexLabel } = listFiles(folder, component, base);
      return [...(listed === null ? [] : [indexLabel]), ...names.map(labelOf)];
    }),
    ...TOKENIZER_FILES,
  ];
}
