import { LineCounter } from 'yaml';
import type { CodedError } from '#contract/error.ts';
import { manifestError } from './errors.ts';
import { NodeProblem } from './node-problem.ts';
import { oddBreak, oddTab } from './odd-space.ts';
import { parseYaml, YamlProblem } from './parse-yaml.ts';
import { type Json, jsonOf } from './tree.ts';

/** The text of one document of a file. */
export interface Chunk {
  readonly text: string;
  /** Lines of the file before it. */
  readonly line: number;
}

/** Characters that YAML 1.1 does not allow outside of escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;
/** Longest part of a text of the file that a message repeats. */
const SHOWN_CHARACTERS = 200;

/** Value of a YAML document, null where it is empty. Throws `E_MANIFEST_YAML` with the place in the file. */
export function yamlValue(chunk: Chunk, file: string): Json {
  const { text, line } = withoutHead(chunk);
  const lines = new LineCounter();
  const fail = (detail: string, offset: number): CodedError => {
    const { line: below, col } = lines.linePos(offset);
    return yamlError(file, line + Math.max(1, below), Math.max(1, col), detail);
  };
  const failAt = (offset: number, detail: string): CodedError => {
    const before = text.slice(0, offset).split('\n');
    return yamlError(file, line + before.length, (before.at(-1) ?? '').length + 1, detail);
  };
  const forbidden = FORBIDDEN.exec(text);
  if (forbidden !== null) throw failAt(forbidden.index, mustBeEscaped(text, forbidden.index));
  if (/^[ \t]*[^\s#]/m.exec(text)?.[0] === '%') {
    throw yamlError(file, line + 1, 1, 'kubectl reads no directives: leave out the line that starts with %');
  }
  const separator = /^---/m.exec(text);
  if (separator !== null) throw failAt(separator.index, 'only a comment may follow --- on its line');
  try {
    const unified = text.replaceAll(/[\r\x85]/g, '\n');
    const document = parseYaml(unified, lines);
    if (document === undefined) return null;
    const odd = oddBreak(document, text);
    if (odd !== undefined) throw failAt(odd, mustBeEscaped(text, odd));
    const tab = oddTab(document, unified);
    if (tab !== undefined) throw fail('a tab between fields: YAML wants spaces there', tab);
    return jsonOf(document);
  } catch (error) {
    if (error instanceof NodeProblem || error instanceof YamlProblem) throw fail(error.message, error.offset);
    if (error instanceof RangeError) throw fail('nested too deeply', 0);
    throw error;
  }
}

/** Without comments and empty lines at the beginning, of which there may be very many. */
function withoutHead({ text, line }: Chunk): Chunk {
  const skipped = / *(#[\t\x20-\x7e\xa0-\u2027\u202a-\ufffd]*)?\n/y;
  let [at, lines] = [0, 0];
  while (skipped.test(text)) [at, lines] = [skipped.lastIndex, lines + 1];
  return { text: text.slice(at), line: line + lines };
}

function mustBeEscaped(text: string, at: number): string {
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
  return `character U+${code} must be written as an escape, in double quotes`;
}

function yamlError(file: string, line: number, column: number, message: string): CodedError {
  const [first = message] = message.split('\n');
  const detail = first.length > SHOWN_CHARACTERS ? `${first.slice(0, SHOWN_CHARACTERS)}…` : first;
  return manifestError('E_MANIFEST_YAML', { file, line, column, detail });
}
