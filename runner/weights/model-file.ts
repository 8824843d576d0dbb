/** Reads files of a model folder: bounded, regular files only, each failure by the file's name and with a way out. */

import { closeSync, readdirSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CodedError } from '#contract/error.ts';
import { type FileFault, type OpenFile, openRegularFile, readRegularFile } from '../store/regular-file.ts';
import { isCutJson } from './cut-json.ts';
import { weightsError } from './errors.ts';
import { type ForeignContent, foreignContent, HEAD_BYTES, UNFINISHED } from './foreign-content.ts';
import { parseJson } from './json-text.ts';

const CONFIG_LIMIT_BYTES = 2 ** 20;

/** Runs `use` on an open file of a model and closes it. `file` is the name used in messages. Throws the `E_MODEL_…` errors of files. */
export function withModelFile<T>(path: string, file: string, use: (open: OpenFile) => T): T {
  const open = openRegularFile(path);
  if ('fault' in open) throw faultError(path, file, open.fault);
  try {
    return use(open);
  } finally {
    closeSync(open.descriptor);
  }
}

/** The bytes of a model's file of at most `limitBytes`. Throws the `E_MODEL_…` errors of files. */
export function readModelFile(path: string, file: string, limitBytes: number): Uint8Array {
  const read = readRegularFile(path, limitBytes);
  if ('fault' in read) throw faultError(path, file, read.fault);
  return read.bytes;
}

/** Reads a JSON file, of at most 1 MiB unless said. Throws the `E_MODEL_…` errors of files. */
export function readJsonFile(path: string, file: string, limitBytes: number = CONFIG_LIMIT_BYTES): unknown {
  const bytes = readModelFile(path, file, limitBytes);
  const parsed = parseJson(bytes);
  const foreign = foreignContent(bytes.subarray(0, HEAD_BYTES));
  // A server's answer may be sound JSON.
  if (foreign !== undefined && ('problem' in parsed || foreign.kind === 'page')) throw foreignError(file, foreign);
  if (!('problem' in parsed)) return parsed.value;
  if (!isCutJson(bytes)) throw weightsError('E_MODEL_FILE', { file, problem: parsed.problem });
  throw weightsError('E_MODEL_INCOMPLETE', { file, problem: 'it is not JSON: it stops before its end' });
}

/** What an open file holds that is not what its name says, as an error; undefined when it is not recognised. */
export function foreignFileError({ descriptor, size }: OpenFile, file: string): CodedError | undefined {
  const head = new Uint8Array(Math.min(size, HEAD_BYTES));
  const foreign = foreignContent(head.subarray(0, readSync(descriptor, head, 0, head.length, 0)));
  return foreign && foreignError(file, foreign);
}

function foreignError(file: string, { kind, what }: ForeignContent): CodedError {
  if (kind === 'pointer') return weightsError('E_MODEL_POINTER', { file, what });
  if (kind === 'page') return weightsError('E_MODEL_PAGE', { file, what });
  if (kind === 'format') return weightsError('E_MODEL_FORMAT', { file, what });
  return weightsError('E_MODEL_INCOMPLETE', { file, problem: `holds ${what}`.replace('holds empty', 'is empty') });
}

/** Why a file of a model cannot be opened or read. */
export function faultError(path: string, file: string, { kind, reason }: FileFault): CodedError {
  if (kind === 'dangling') return weightsError('E_MODEL_LINK', { file, problem: reason });
  if (kind === 'unreachable') return weightsError('E_MODEL_UNREACHABLE', { file, reason });
  if (kind !== 'missing') return weightsError('E_MODEL_FILE', { file, problem: reason });
  const unfinished = unfinishedDownload(path, file);
  if (unfinished === undefined) return weightsError('E_MODEL_MISSING', { file });
  const problem = `is missing, but there is an unfinished ${unfinished}`;
  return weightsError('E_MODEL_INCOMPLETE', { file, problem });
}

/**
 * The name of a download that did not end: beside the file under its name, or where the hub's client keeps what it has not
 * finished (in the model folder, or with the blobs of its cache).
 */
function unfinishedDownload(path: string, file: string): string | undefined {
  const beside = namesIn(dirname(path)).find((name) => UNFINISHED.test(name) && name.startsWith(basename(path)));
  if (beside !== undefined) return join(dirname(file), beside);
  const root = path.endsWith(file) ? path.slice(0, path.length - file.length) : dirname(path);
  for (const place of [join('.cache/huggingface/download', dirname(file)), '../../blobs']) {
    const name = namesIn(join(root, place)).find((other) => other.endsWith('.incomplete'));
    if (name !== undefined) return join(place, name);
  }
  return undefined;
}

/** Names in a folder; none when it cannot be read. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
