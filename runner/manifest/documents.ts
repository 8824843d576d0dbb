/**
 * The documents of a manifest as kubectl takes them apart: a stream that begins with `{` is JSON until something is not, all
 * else is YAML between lines that begin with `---`.
 */
import { type Document, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { CodedError } from '#contract/error.ts';
import { manifestError } from './errors.ts';
import { type Json, jsonOf, NodeProblem } from './tree.ts';

/** Characters that YAML 1.1 does not allow outside of escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;
/** Line breaks of YAML 1.1 that the parser would keep inside a line. */
const ODD_BREAK = /[\u2028\u2029]/;

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Values of all documents that are not empty, in the order of the file. Throws `E_MANIFEST_YAML`. */
export function readDocuments(text: string, file: string): readonly Json[] {
  const { values, rest } = /^\s*\{/.test(text) ? leadingJson(text) : { values: [], rest: 0 };
  // Only what stands before is cut off, and its lines are kept, so that places in messages are those of the file.
  const before = text.slice(0, rest).replaceAll(/[^\n]/g, '');
  const documents = chunksOf(before + text.slice(rest)).map((chunk) => yamlValue(chunk, file));
  return [...values, ...documents].filter((value) => value !== null);
}

/** JSON values that follow each other at the beginning, and where they end. */
function leadingJson(text: string): { readonly values: readonly Json[]; readonly rest: number } {
  const values: Json[] = [];
  let rest = 0;
  while (rest < text.length) {
    const end = endOfBraces(text, rest);
    try {
      values.push(wellFormed(JSON.parse(text.slice(rest, end))));
    } catch {
      break;
    }
    rest = end + (/^[ \t\r]*\n?/.exec(text.slice(end, end + 1000))?.[0].length ?? 0);
  }
  return { values, rest };
}

/** Where the brackets that open at `start` are closed; the end of the text if they are not. */
function endOfBraces(text: string, start: number): number {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs;
  tokens.lastIndex = start;
  let depth = 0;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    if (token[0] === '{' || token[0] === '[') depth += 1;
    if (token[0] === '}' || token[0] === ']') depth -= 1;
    if (depth <= 0 && !token[0].startsWith('"')) return tokens.lastIndex;
  }
  return text.length;
}

/** Go puts U+FFFD for halves of pairs, and takes no number that is too large. */
function wellFormed(value: unknown): Json {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('number out of range');
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key.toWellFormed(), wellFormed(entry)]));
}

interface Chunk {
  readonly text: string;
  /** Lines of the file before it. */
  readonly line: number;
}

/** Texts between lines that begin with `---`, each with the number of lines before it. */
function chunksOf(text: string): readonly Chunk[] {
  const chunks: { text: string; line: number }[] = [{ text: '', line: 0 }];
  text
    .replace(/\n$/, '')
    .split(/\r?\n/)
    .forEach((line, index) => {
      if (/^---\s*(#|$)/.test(line)) chunks.push({ text: '', line: index + 1 });
      else chunks.at(-1)!.text += `${line}\n`;
    });
  return chunks;
}

function yamlValue({ text, line }: Chunk, file: string): Json {
  const lines = new LineCounter();
  const fail = (detail: string, offset: number): CodedError => {
    const { line: below, col } = lines.linePos(offset);
    return yamlError(file, { line: line + Math.max(1, below), column: Math.max(1, col) }, detail);
  };
  const odd = FORBIDDEN.exec(text) ?? ODD_BREAK.exec(text);
  if (odd !== null) {
    const code = odd[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    const before = text.slice(0, odd.index).split('\n');
    const place = { line: line + before.length, column: (before.at(-1) ?? '').length + 1 };
    throw yamlError(file, place, `character U+${code} must be written as an escape, in double quotes`);
  }
  if (/^(\s*(#.*)?\n)*%/.test(text)) {
    throw yamlError(
      file,
      { line: line + 1, column: 1 },
      'kubectl reads no directives: leave out the line that starts with %',
    );
  }
  const separator = /^---.*$/m.exec(text);
  if (separator !== null) {
    const place = { line: line + text.slice(0, separator.index).split('\n').length, column: 1 };
    throw yamlError(file, place, 'only a comment may follow --- on its line');
  }
  try {
    const document = parsed(text.replaceAll(/[\r\x85]/g, '\n'), lines);
    if (document === undefined) return null;
    const [problem] = document.errors;
    if (problem !== undefined) throw fail(problem.message, problem.pos[0]);
    const tab = tabBetweenFields(document, text);
    if (tab !== undefined) throw fail('a tab between fields: YAML wants spaces there', tab);
    return jsonOf(document);
  } catch (error) {
    if (error instanceof NodeProblem) throw fail(error.message, error.offset);
    if (error instanceof RangeError) throw fail('nested too deeply', 0);
    throw error;
  }
}

/** Where a line outside of braces, quotes and blocks begins with a tab, which YAML 1.1 does not allow even if nothing follows. */
function tabBetweenFields(document: Document, text: string): number | undefined {
  const lines = [...text.matchAll(/^ *\t[ \t]*(#.*)?$/gm)].map(({ index }) => index);
  if (lines.length === 0) return undefined;
  const shielded: (readonly [number, number])[] = [];
  visit(document, {
    Collection: (_, { flow, range }) => {
      if (flow === true && range) shielded.push([range[0], range[1]]);
    },
    Scalar: (_, { type, range }) => {
      if (type !== 'PLAIN' && range) shielded.push([range[0], range[1]]);
    },
  });
  return lines.find((at) => !shielded.some(([start, end]) => at > start && at < end));
}

/** The first document of the text; what follows a line `...` is not read. */
function parsed(text: string, lineCounter: LineCounter): Document | undefined {
  const documents = parseAllDocuments(text, {
    version: '1.1',
    schema: 'failsafe',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter,
    keepSourceTokens: true,
  });
  return 'empty' in documents ? undefined : documents[0];
}

function yamlError(file: string, { line, column }: Place, message: string): CodedError {
  return manifestError('E_MANIFEST_YAML', { file, line, column, detail: message.split('\n')[0] ?? message });
}
