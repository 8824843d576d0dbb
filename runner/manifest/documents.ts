/**
 * The documents of a manifest as kubectl takes them apart: a stream that begins with `{` is JSON until something is not, all
 * else is YAML between lines that begin with `---`.
 */
import { manifestError } from './errors.ts';
import { leadingJson } from './json-stream.ts';
import type { Json } from './tree.ts';
import { type Chunk, yamlValue } from './yaml-value.ts';

/** Documents of one file, more than anybody applies at once. */
const DOCUMENT_LIMIT = 10_000;

/** Values of all documents that are not empty, in the order of the file. Throws `E_MANIFEST_YAML`. */
export function readDocuments(text: string, file: string): readonly Json[] {
  const { values, rest } = text.trimStart().startsWith('{') ? leadingJson(text) : { values: [], rest: 0 };
  // Only what stands before is cut off, and its lines are kept, so that places in messages are those of the file.
  const before = text.slice(0, rest).replaceAll(/[^\n]/g, '');
  const chunks = chunksOf(before + text.slice(rest));
  const excess = chunks[DOCUMENT_LIMIT];
  if (excess !== undefined) {
    const detail = `more than ${DOCUMENT_LIMIT} documents`;
    throw manifestError('E_MANIFEST_YAML', { file, line: excess.line, column: 1, detail });
  }
  const documents = chunks.map((chunk) => yamlValue(chunk, file));
  return [...values, ...documents].filter((value) => value !== null);
}

/** Texts between lines that begin with `---`, each with the number of lines before it. */
function chunksOf(text: string): readonly Chunk[] {
  const chunks: { lines: string[]; line: number }[] = [{ lines: [], line: 0 }];
  text
    .replace(/\n$/, '')
    .split(/\r?\n/)
    .forEach((line, index) => {
      if (/^---\s*(#|$)/.test(line)) chunks.push({ lines: [], line: index + 1 });
      else chunks.at(-1)!.lines.push(line);
    });
  return chunks.map(({ lines, line }) => ({ text: lines.map((each) => `${each}\n`).join(''), line }));
}
