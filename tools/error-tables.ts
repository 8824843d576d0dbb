import ts from 'typescript';

/** A coded error as its room's table has it. */
export interface ErrorRow {
  readonly code: string;
  readonly message: string;
  readonly fixer: string;
  readonly exit: string;
}

/**
 * The rows of every error table of a source: what is given to `defineErrors`, single definitions given to
 * `new CodedError`, and records that are written out.
 * Nothing is run: a table must be written out, save for constants of the same file. Throws where it is not.
 */
export function errorRowsIn(file: string, text: string): readonly ErrorRow[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const constants = constantsOf(source);
  const rows: ErrorRow[] = [];
  const row = (code: string, definition: ts.Expression) => {
    const field = (name: string) => textOf(fieldOf(objectOf(definition, constants), name), constants);
    rows.push({ code, message: field('message'), fixer: field('fixer'), exit: field('exit') });
  };

  function readTable(table: ts.Expression): void {
    for (const entry of objectOf(table, constants).properties) {
      if (!ts.isPropertyAssignment(entry)) throw unreadable(entry);
      row(entry.name.getText(), entry.initializer);
    }
  }

  function visit(node: ts.Node): void {
    if (ts.isCallExpression(node) && node.expression.getText() === 'defineErrors') readTable(node.arguments[0]!);
    if (ts.isNewExpression(node) && node.expression.getText() === 'CodedError') {
      const [code, definition] = node.arguments ?? [];
      if (code && ts.isStringLiteral(code)) row(code.text, definition!);
    }
    if (ts.isObjectLiteralExpression(node)) rows.push(...recordIn(node));
    ts.forEachChild(node, visit);
  }
  visit(source);
  return rows;
}

/** The row of a record that is written out without a table; its message is whatever was found. */
function recordIn(node: ts.ObjectLiteralExpression): readonly ErrorRow[] {
  const fields = new Map(
    node.properties.filter(ts.isPropertyAssignment).map(({ name, initializer }) => [name.getText(), initializer]),
  );
  const [code, fixer, exit] = ['code', 'fixer', 'exit'].map((name) => fields.get(name));
  if (!code || !fixer || !exit || ![code, fixer, exit].every(ts.isStringLiteral)) return [];
  const text = (value: ts.Expression) => (value as ts.StringLiteral).text;
  return [{ code: text(code), message: '{message}', fixer: text(fixer), exit: text(exit) }];
}

type Constants = ReadonlyMap<string, ts.Expression>;

function constantsOf(source: ts.SourceFile): Constants {
  const declarations = source.statements
    .filter(ts.isVariableStatement)
    .flatMap((statement) => [...statement.declarationList.declarations]);
  return new Map(declarations.flatMap(({ name, initializer }) => (initializer ? [[name.getText(), initializer]] : [])));
}

function objectOf(node: ts.Expression, constants: Constants): ts.ObjectLiteralExpression {
  const value = bare(node, constants);
  if (!ts.isObjectLiteralExpression(value)) throw unreadable(node);
  return value;
}

function fieldOf(object: ts.ObjectLiteralExpression, name: string): ts.Expression {
  const field = object.properties.find((property) => property.name?.getText() === name);
  if (field === undefined || !ts.isPropertyAssignment(field)) throw unreadable(object);
  return field.initializer;
}

function textOf(node: ts.Expression, constants: Constants): string {
  const value = bare(node, constants);
  if (ts.isStringLiteralLike(value)) return value.text;
  if (ts.isTemplateExpression(value)) {
    const spans = value.templateSpans.map(({ expression, literal }) => textOf(expression, constants) + literal.text);
    return value.head.text + spans.join('');
  }
  if (ts.isBinaryExpression(value) && value.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    return textOf(value.left, constants) + textOf(value.right, constants);
  }
  throw unreadable(node);
}

/** A value without its type's decorations, or the one that a constant's name stands for. */
function bare(node: ts.Expression, constants: Constants): ts.Expression {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)) {
    return bare(node.expression, constants);
  }
  const constant = ts.isIdentifier(node) ? constants.get(node.text) : undefined;
  return constant === undefined ? node : bare(constant, constants);
}

function unreadable(node: ts.Node): Error {
  const source = node.getSourceFile();
  const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  return new Error(`${source.fileName}:${line}: an error table must be written out, or use constants of its own file`);
}
