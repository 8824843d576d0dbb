import ts from 'typescript';

/** Texts of a source. */
export interface Texts {
  /** Those that become reasons; a template, which nobody could look up, as it is written. */
  readonly reasons: readonly string[];
  readonly all: readonly string[];
}

/**
 * Reads a source for the reasons that it gives: the first argument of `why`, a field `reason` or a constant of that name,
 * directly, as a choice or as a fallback.
 */
export function textsIn(text: string): Texts {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true);
  const reasons: string[] = [];
  const all: string[] = [];
  const visit = (node: ts.Node, given: boolean): void => {
    if (ts.isStringLiteralLike(node)) all.push(node.text);
    if (given) reasons.push(...reasonOf(node));
    ts.forEachChild(node, (child) => visit(child, child === begins(node) || (given && goesOn(node, child))));
  };
  visit(source, false);
  return { reasons, all };
}

function reasonOf(node: ts.Node): readonly string[] {
  if (ts.isTemplateExpression(node)) return [node.getText()];
  return ts.isStringLiteralLike(node) && node.text !== '' ? [node.text] : [];
}

/** The part of a node that is a reason. */
function begins(node: ts.Node): ts.Node | undefined {
  if (ts.isCallExpression(node)) return node.expression.getText() === 'why' ? node.arguments[0] : undefined;
  const isNamed = ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node);
  return isNamed && node.name.getText() === 'reason' ? node.initializer : undefined;
}

/** What is compared, or given to a call, is no reason by itself. */
function goesOn(node: ts.Node, child: ts.Node): boolean {
  if (ts.isConditionalExpression(node)) return child !== node.condition;
  return !ts.isCallExpression(node);
}
