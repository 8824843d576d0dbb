/** Tabs and line breaks where YAML 1.1 does not allow them and the package does. */
import { type Document, isCollection, isScalar, type Node, type Scalar, visit } from 'yaml';

type Range = readonly [start: number, end: number];

/** Where a line break of YAML 1.1 that the package does not know stands outside of quotes. */
export function oddBreak(document: Document, text: string): number | undefined {
  const breaks = [...text.matchAll(/[\u2028\u2029]/g)].map(({ index }) => index);
  return firstOutside(breaks, () =>
    rangesOf(document, (node) => isScalar(node) && node.type?.startsWith('QUOTE_') === true),
  );
}

/**
 * Where a line outside of braces, quotes and blocks begins with a tab, which YAML 1.1 does not allow even if nothing follows, or
 * where one stands in the indentation of a line after a text without quotes, also in braces.
 */
export function oddTab(document: Document, text: string): number | undefined {
  if (!/\n *\t/.test(`\n${text}`)) return undefined;
  const lines = [...text.matchAll(/^ *\t[ \t]*(#.*)?$/gm)].map(({ index }) => index);
  const between = firstOutside(lines, () =>
    rangesOf(document, (node) => (isCollection(node) ? node.flow === true : isScalar(node) && node.type !== 'PLAIN')),
  );
  return between ?? tabAfterPlain(document, text);
}

/** The first of the positions, which rise, that is inside none of the ranges, which rise too and do not overlap. */
function firstOutside(positions: readonly number[], ranges: () => readonly Range[]): number | undefined {
  if (positions.length === 0) return undefined;
  const shields = ranges();
  let next = 0;
  return positions.find((at) => {
    while (next < shields.length && shields[next]![1] <= at) next += 1;
    return !(next < shields.length && shields[next]![0] < at);
  });
}

/** Ranges of the outermost nodes that are `wanted`. */
function rangesOf(document: Document, wanted: (node: Node) => boolean): readonly Range[] {
  const ranges: Range[] = [];
  visit(document, {
    Node: (_, node) => {
      if (!wanted(node) || !node.range) return undefined;
      ranges.push([node.range[0], node.range[1]]);
      return visit.SKIP;
    },
  });
  return ranges;
}

function tabAfterPlain(document: Document, text: string): number | undefined {
  let found: number | undefined;
  visit(document, {
    Scalar: (_, node, path) => {
      if (node.type !== 'PLAIN' || !node.range || node.source === '') return undefined;
      const block = path.findLast((at) => isCollection(at) && at.flow !== true);
      const token = isCollection(block) ? block.srcToken : undefined;
      const indent = token !== undefined && 'indent' in token ? token.indent : undefined;
      found = indent === undefined ? undefined : tabLeftOf(indent + 1, node, text);
      return found === undefined ? undefined : visit.BREAK;
    },
  });
  return found;
}

function tabLeftOf(indent: number, { range }: Scalar, text: string): number | undefined {
  const blanks = /\n( *)\t|\S/g;
  blanks.lastIndex = range![0];
  for (let at = blanks.exec(text); at !== null; at = blanks.exec(text)) {
    if (at[1] === undefined && at.index >= range![1]) return undefined;
    if (at[1] !== undefined && at[1].length < indent) return at.index + 1 + at[1].length;
  }
  return undefined;
}
