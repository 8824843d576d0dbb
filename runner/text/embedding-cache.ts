/**
 * Embeddings of earlier films, by the content of all that they were made from. One safetensors file each; the folder may be
 * emptied at any time. What cannot be read or written only costs a warning: a cache must never cost a film.
 */

import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Graph } from '../model/graph.ts';
import type { Device } from '../ort/device.ts';
import { libraryPath } from '../ort/library.ts';
import { nameIsTaken } from '../store/regular-file.ts';
import { bytesOf, elementCount, type F32Tensor, type TensorEntry } from '../tensor.ts';
import { readModelFile } from '../weights/model-file.ts';
import { readTensors } from '../weights/read-tensors.ts';
import type { ComponentWeights } from '../weights/shards.ts';
import { safetensorsBytes } from '../weights/write-tensors.ts';
import type { Tokens } from './tokenizer.ts';

/** All that an embedding depends on, but its text. */
export interface EncoderIdentity {
  readonly graph: Graph;
  readonly weights: ComponentWeights;
  readonly tokenizerFolder: string;
  readonly device: Device;
}

export interface EmbeddingCache {
  /** The embedding of a text; undefined if it is not there, or is not what was put there. */
  find(tokens: Tokens): F32Tensor | undefined;
  keep(tokens: Tokens, embedding: F32Tensor): void;
  /** What could not be read or written, in words. */
  readonly warnings: readonly string[];
}

/** Raised when the layout of the files or the meaning of the key changes. */
const FORMAT = 1;
const NAME = 'embedding';
const TOKENIZER_LIMIT_BYTES = 2 ** 26;
/** Room for the header of a file, besides its numbers. */
const HEADER_BYTES = 2 ** 16;

/** Opens the cache in `folder`, which is made when something is first kept. Reads a sample of every weight. */
export function openEmbeddingCache(folder: string, encoder: EncoderIdentity, width: number): EmbeddingCache {
  const warnings: string[] = [];
  const attempt = <T>(work: () => T, explain: (reason: string) => string): T | undefined => {
    try {
      return work();
    } catch (error) {
      warnings.push(`text cache: ${explain((error as Error).message)}`);
      return undefined;
    }
  };
  const identity = attempt(
    () => identityOf(encoder),
    (reason) => `cannot tell which model this is: ${reason}; the cache is not used`,
  );
  if (identity === undefined) return { find: () => undefined, keep: () => undefined, warnings };
  return {
    warnings,
    find(tokens) {
      const key = keyOf(identity, tokens);
      const file = fileOf(folder, key);
      if (!nameIsTaken(file)) return undefined;
      return attempt(
        () => readEmbedding(file, key, [1, tokens.ids.length, width]),
        (reason) => `${file} cannot be used: ${reason}; its text is encoded again`,
      );
    },
    keep(tokens, embedding) {
      attempt(
        () => writeEmbedding(folder, keyOf(identity, tokens), embedding),
        (reason) => `cannot write to ${folder}: ${reason}; the next film will encode its texts again`,
      );
    },
  };
}

function fileOf(folder: string, key: string): string {
  return join(folder, `${key}.safetensors`);
}

function keyOf(identity: string, { ids, count }: Tokens): string {
  return sha256(JSON.stringify([FORMAT, identity, count, ids]));
}

/** The graph holds the configuration, the number format, the kind of device, and where which weight lies. */
function identityOf({ graph, weights, tokenizerFolder, device }: EncoderIdentity): string {
  const sampled = createHash('sha256');
  for (const name of graph.weights) sampleTensor(sampled, weights, name);
  const parts = [
    sha256(graph.bytes),
    sampled.digest('hex'),
    sha256(readModelFile(join(tokenizerFolder, 'tokenizer.json'), 'tokenizer/tokenizer.json', TOKENIZER_LIMIT_BYTES)),
    device.kind,
    // Versions of the runtime differ in size, and may in how they round.
    statSync(libraryPath()).size,
  ];
  return sha256(JSON.stringify(parts));
}

const SAMPLES = 4;
const SAMPLE_BYTES = 4096;

/**
 * Adds a tensor's place, and its bytes at its start, its end and in between: other weights differ in every tensor, and hashing
 * all of UMT5-XXL would take longer than using it.
 */
function sampleTensor(hash: ReturnType<typeof createHash>, { folder, tensors }: ComponentWeights, name: string): void {
  const entry = tensors.get(name) as TensorEntry;
  hash.update(JSON.stringify([name, entry]));
  const bytes = new Uint8Array(Math.min(SAMPLE_BYTES, entry.byteLength));
  const last = entry.byteLength - bytes.byteLength;
  const descriptor = openSync(join(folder, entry.file), 'r');
  try {
    for (let sample = 0; sample < SAMPLES; sample++) {
      const start = entry.offset + Math.floor((last * sample) / (SAMPLES - 1));
      const read = readSync(descriptor, bytes, 0, bytes.byteLength, start);
      hash.update(bytes.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Throws an error with a reason for a file that is not, to the last bit, what was written under this key. */
function readEmbedding(file: string, key: string, shape: readonly number[]): F32Tensor {
  const { metadata, f32 } = readTensors(file, elementCount(shape) * Float32Array.BYTES_PER_ELEMENT + HEADER_BYTES);
  const embedding = f32(NAME);
  if (metadata.key !== key) throw new Error('it was written for another text or model');
  if (embedding.shape.join() !== shape.join()) {
    throw new Error(`its shape is [${embedding.shape.join(', ')}], not [${shape.join(', ')}]`);
  }
  if (metadata.sha256 !== sha256(bytesOf(embedding.data)))
    throw new Error('its numbers have changed since it was written');
  return embedding;
}

function writeEmbedding(folder: string, key: string, embedding: F32Tensor): void {
  const bytes = safetensorsBytes(new Map([[NAME, embedding]]), { key, sha256: sha256(bytesOf(embedding.data)) });
  const temporary = join(folder, `.unfinished-${randomBytes(8).toString('hex')}`);
  makeFolder(folder);
  clearAbandoned(folder);
  try {
    const descriptor = openSync(temporary, 'wx');
    try {
      writeFileSync(descriptor, bytes);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, fileOf(folder, key));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** As temporary files are named here; the files of other writers have longer names. */
const TEMPORARY = /^\.unfinished-[0-9a-f]{16}$/;
/** Writing one takes seconds. */
const ABANDONED_MILLISECONDS = 3_600_000;

/** Removes what runs were killed over: a cache outlives all of them. */
function clearAbandoned(folder: string): void {
  for (const name of readdirSync(folder).filter((each) => TEMPORARY.test(each))) {
    const file = join(folder, name);
    const { mtimeMs = Date.now() } = statSync(file, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > ABANDONED_MILLISECONDS) rmSync(file, { force: true });
  }
}

/** Not `mkdir` with `recursive`, which never ends below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  mkdirSync(folder);
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
