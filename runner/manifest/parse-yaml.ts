/**
 * YAML as go-yaml v2 takes it apart. The package follows YAML 1.2, which wants lines that go on inside quotes, braces and brackets
 * indented more deeply than their field; to go-yaml v2 white space at the beginning of such lines means nothing.
 */
import { Composer, type Document, Lexer, type LineCounter, Parser } from 'yaml';

/** Braces, brackets and indented fields inside each other, more than any object of Kubernetes has. */
export const DEPTH_LIMIT = 200;

/** Words and marks of one document, more than any film has: the package would take seconds for them. */
const LEXEME_LIMIT = 250_000;

/** What is wrong with a text, and where. */
export class YamlProblem extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/**
 * The first document of a text without directives; what follows a line `...` is not read. Throws {@link YamlProblem} for the first
 * thing that is wrong: the package would gather all of them.
 */
export function parseYaml(text: string, lineCounter: LineCounter): Document | undefined {
  const composer = new Composer({
    version: '1.1',
    schema: 'failsafe',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    keepSourceTokens: true,
  });
  let first: YamlProblem | undefined;
  (composer as unknown as ComposerParts).onError = (source, _code, message, isWarning) => {
    const at = offsetOf(source);
    // To go-yaml v2 a comment may follow quotes and braces without a space.
    const isAfterMark = /["'{}[\],|>+-]/.test(text[at - 1] ?? '');
    if (isWarning === true || (message.startsWith('Comments must be separated') && isAfterMark)) return;
    // The package catches what is thrown here, and reports it once more for each node around it.
    first ??= new YamlProblem(message, at);
    throw first;
  };
  const [document] = composer.compose(tokensOf(text, lineCounter), false, text.length);
  const problem = document?.errors[0];
  if (problem !== undefined) throw new YamlProblem(problem.message, problem.pos[0]);
  return document as Document | undefined;
}

/** The part of the package's composer that hears of errors. */
interface ComposerParts {
  onError: (source: ErrorSource, code: string, message: string, isWarning?: boolean) => void;
}

type ErrorSource = number | readonly [number, number] | { readonly offset: number };

function offsetOf(source: ErrorSource): number {
  if (typeof source === 'number') return source;
  return 'offset' in source ? source.offset : source[0];
}

function* tokensOf(text: string, lineCounter: LineCounter) {
  const parser = new Parser(lineCounter.addNewLine);
  lineCounter.addNewLine(0);
  let lexemes = 0;
  for (const lexeme of unindentedLexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error') throw new YamlProblem(token.message, token.offset);
      yield token;
    }
    lexemes += 1;
    if (lexemes > LEXEME_LIMIT) throw new YamlProblem(`more than ${LEXEME_LIMIT} words and marks`, parser.offset);
    if (parser.stack.length > DEPTH_LIMIT) throw new YamlProblem('nested too deeply', parser.offset);
  }
  yield* parser.end();
}

/** The parts of the package's lexer that compare indentation; `indentNext` is the least that the next line must have. */
interface LexerParts {
  indentNext: number;
  parseQuotedScalar: () => Generator<string, unknown>;
  parseFlowCollection: () => Generator<string, unknown>;
}

/** A lexer that asks for no indentation inside quotes, braces and brackets. The package has no setting for it. */
function unindentedLexer(): Lexer {
  const lexer = new Lexer();
  const parts = lexer as unknown as LexerParts;
  for (const part of ['parseQuotedScalar', 'parseFlowCollection'] as const) {
    const parse = parts[part].bind(lexer);
    parts[part] = function* () {
      const outside = parts.indentNext;
      parts.indentNext = 0;
      const next = yield* parse();
      parts.indentNext = outside;
      return next;
    };
  }
  return lexer;
}
