import { CST, type Scalar } from 'yaml';
import { NodeProblem } from './node-problem.ts';

/** Line breaks of YAML 1.1 that the package keeps inside a line; an escape before them is one unit with what it escapes. */
const ODD_BREAKS = /(\\.)|[ \t]*([\u2028\u2029])[ \t]*/gs;
const BESIDE_BREAK = /[\u2028\u2029][ \t]*\n|\n[ \t]*[\u2028\u2029]|\\[\u2028\u2029]/;

/**
 * Text of a scalar in quotes, where kubectl reads another than the package, and undefined elsewhere. Throws {@link NodeProblem}
 * for escapes that kubectl does not know.
 */
export function quotedText(node: Scalar): string | undefined {
  if (node.type !== 'QUOTE_DOUBLE' && node.type !== 'QUOTE_SINGLE') return undefined;
  const token = node.srcToken;
  if (token === undefined || (token.type !== 'double-quoted-scalar' && token.type !== 'single-quoted-scalar'))
    return undefined;
  if (node.type === 'QUOTE_DOUBLE') checkEscapes(node, token.source);
  if (!/[\u2028\u2029]/.test(token.source)) return undefined;
  if (BESIDE_BREAK.test(token.source)) {
    throw new NodeProblem('U+2028 and U+2029 beside another line break: write them as escapes, in double quotes', node);
  }
  const source =
    node.type === 'QUOTE_DOUBLE'
      ? token.source.replace(ODD_BREAKS, (_, kept = '', odd = '') => `${kept}${odd}`)
      : token.source.replace(/[ \t]*([\u2028\u2029])[ \t]*/g, '$1');
  return CST.resolveAsScalar({ ...token, source }).value;
}

/** Escapes that YAML 1.2 and JSON have and kubectl's YAML does not: `\/`, and halves of pairs. */
function checkEscapes(node: Scalar, source: string): void {
  for (const [written] of source.matchAll(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)/gs)) {
    if (written === '\\/') throw new NodeProblem('there is no escape \\/ in YAML 1.1: leave out the \\', node);
    const code = Number.parseInt(written.slice(2), 16);
    const half = /^\\[uU]/.test(written) && code >= 0xd800 && code <= 0xdfff;
    if (half) throw new NodeProblem(`${written} is half a character: write \\U and eight digits for the whole`, node);
  }
}
