import { readSync } from 'node:fs';
import { shortJson } from '../model/short-json.ts';
import { bytesPerElement, type DType, isDType, type TensorEntry } from '../tensor.ts';
import { isCutJson } from './cut-json.ts';
import { weightsError } from './errors.ts';
import { objectEntries, parseJson } from './json-text.ts';
import { foreignFileError, withModelFile } from './model-file.ts';

/** What a safetensors file holds. Offsets are from the start of the file. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Bytes of the file as the header describes it. */
  readonly byteLength: number;
  /** How many of them the file lacks at its end; 0 unless that was allowed. */
  readonly missingBytes: number;
  /** True when the file ends where its header does, though its tensors need bytes. */
  readonly headerOnly: boolean;
}

/** Whether a file must hold all the bytes that its header describes, or may end before: when only the header is wanted. */
export type DataPresence = 'whole' | 'any';

const PREFIX_BYTES = 8;
/** Limit of the format's own reader. */
const HEADER_LIMIT_BYTES = 100_000_000;
const MAX_AXES = 16;
/** Element types that the format knows and this program does not: floats of eight bits and fewer, complex numbers. */
const UNSUPPORTED_DTYPE = /^(F8_\w+|F6_\w+|F4(_\w+)?|C64)$/;

/**
 * Reads and checks the header of a safetensors file; the tensors themselves are not read. Every entry lies within the
 * file, has as many bytes as its shape asks for, and shares none with another. `label` is the name used in messages and
 * in the entries. Throws the `E_MODEL_…` errors of files, `E_WEIGHTS_TRUNCATED`, `E_WEIGHTS_HEADER`, `E_WEIGHTS_QUANTIZED`.
 */
export function readSafetensorsHeader(
  path: string,
  label: string = path,
  data: DataPresence = 'whole',
): SafetensorsHeader {
  const { size, header } = readHeaderBytes(path, label);
  const parsed = parseJson(header);
  if ('problem' in parsed) {
    // Where nothing has been written yet, a file that has its length already is zeros.
    const isCut = header.at(-1) === 0 && isCutJson(header);
    if (isCut)
      throw weightsError('E_MODEL_INCOMPLETE', { file: label, problem: 'its header is zeros in its later part' });
    throw headerError(label, parsed.problem);
  }
  const entries = objectEntries(parsed.value);
  if (entries === undefined) throw headerError(label, 'it is not a JSON object');
  const dataStart = PREFIX_BYTES + header.byteLength;
  const tensors = new Map<string, TensorEntry>();
  for (const [name, entry] of entries) {
    if (name !== '__metadata__') tensors.set(name, readEntry(label, name, entry, dataStart));
  }
  const byteLength = checkCoverage(label, tensors, dataStart);
  if (size > byteLength) throw headerError(label, `${size - byteLength} bytes at the end belong to no tensor`);
  if (size < byteLength && data === 'whole') throw truncated(label, size, byteLength);
  const metadata = readMetadata(label, entries.find(([name]) => name === '__metadata__')?.[1]);
  const missingBytes = byteLength - size;
  return { tensors, metadata, byteLength, missingBytes, headerOnly: missingBytes > 0 && size === dataStart };
}

function headerError(file: string, problem: string): Error {
  return weightsError('E_WEIGHTS_HEADER', { file, problem });
}

function truncated(file: string, have: number, need: number): Error {
  return weightsError('E_WEIGHTS_TRUNCATED', { file, have, need });
}

function readHeaderBytes(path: string, file: string): { readonly size: number; readonly header: Uint8Array } {
  return withModelFile(path, file, (open) => {
    const { descriptor, size } = open;
    const prefix = readBytes(descriptor, 0, PREFIX_BYTES, size, file);
    const length = new DataView(prefix.buffer).getBigUint64(0, true);
    // A length that cannot be is more often another file's first bytes than a damaged one.
    if (length === 0n || length > HEADER_LIMIT_BYTES) {
      const problem = `its length is ${length}, the limit is ${HEADER_LIMIT_BYTES}`;
      throw foreignFileError(open, file) ?? headerError(file, problem);
    }
    return { size, header: readBytes(descriptor, PREFIX_BYTES, Number(length), size, file) };
  });
}

function readBytes(descriptor: number, start: number, length: number, size: number, file: string): Uint8Array {
  if (start + length > size) throw truncated(file, size, start + length);
  const bytes = new Uint8Array(length);
  let have = 0;
  while (have < length) {
    const read = readSync(descriptor, bytes, have, length - have, start + have);
    if (read === 0) throw truncated(file, start + have, start + length);
    have += read;
  }
  return bytes;
}

function readEntry(file: string, name: string, value: unknown, dataStart: number): TensorEntry {
  const fail = (problem: string) => headerError(file, `tensor ${shortJson(name)}: ${problem}`);
  const fields = new Map(objectEntries(value) ?? []);
  const dtype = fields.get('dtype');
  if (typeof dtype !== 'string') throw fail('has no dtype');
  if (UNSUPPORTED_DTYPE.test(dtype)) {
    throw weightsError('E_WEIGHTS_QUANTIZED', { file, what: `tensor ${shortJson(name)}, stored as ${dtype},` });
  }
  if (!isDType(dtype)) throw fail(`its dtype ${shortJson(dtype)} is not known`);
  const shape = fields.get('shape');
  if (!isShape(shape)) throw fail('its shape is not a list of lengths');
  const offsets = fields.get('data_offsets');
  if (!isShape(offsets) || offsets.length !== 2) throw fail('its data_offsets are not two byte positions');
  const [begin, end] = offsets as [number, number];
  if (end < begin) throw fail(`ends at byte ${end}, before its start ${begin}`);
  const need = byteLengthOf(shape, dtype);
  if (BigInt(end - begin) !== need) throw fail(`${dtype} [${shape}] needs ${need} bytes, found ${end - begin}`);
  return { file, offset: dataStart + begin, byteLength: end - begin, dtype, shape };
}

function isShape(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) && value.length <= MAX_AXES && value.every((axis) => Number.isSafeInteger(axis) && axis >= 0)
  );
}

/** In exact integers: a product of lengths may be beyond what a float64 holds. */
function byteLengthOf(shape: readonly number[], dtype: DType): bigint {
  return shape.reduce((product, axis) => product * BigInt(axis), BigInt(bytesPerElement(dtype)));
}

/** Tensors follow each other without gaps or overlaps, as the format demands; gives the end of the last one. */
function checkCoverage(file: string, tensors: ReadonlyMap<string, TensorEntry>, dataStart: number): number {
  const byOffset = [...tensors].sort(
    ([, a], [, b]) => a.offset - b.offset || a.offset + a.byteLength - b.offset - b.byteLength,
  );
  let end = dataStart;
  for (const [name, { offset, byteLength }] of byOffset) {
    const quoted = shortJson(name);
    if (offset < end) throw headerError(file, `tensor ${quoted} overlaps the one before it`);
    if (offset > end) throw headerError(file, `${offset - end} bytes before tensor ${quoted} belong to no tensor`);
    end = offset + byteLength;
  }
  return end;
}

function readMetadata(file: string, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const entries = objectEntries(value);
  if (entries === undefined || !entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw headerError(file, '__metadata__ is not an object of texts');
  }
  return Object.fromEntries(entries);
}
