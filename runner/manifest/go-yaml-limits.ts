/** What YAML 1.2 allows in a node and go-yaml v2 does not. */
import { isAlias, isNode, isPair, isScalar, type Node, type Pair, type Scalar } from 'yaml';
import { NodeProblem } from './node-problem.ts';

const ANCHOR = /^[\w-]+$/;
const TAG = /^[\w;/?:@&=+$,.!~*'()[\]%-]+$/;
/** Characters between the beginning of a key and its colon. */
const KEY_CHARACTERS = 1024;

/** Throws {@link NodeProblem} for a node or field that kubectl refuses. */
export function checkNode(node: unknown): void {
  if (isPair(node)) checkKey(node);
  if (!isNode(node)) return;
  const name = isAlias(node) ? node.source : node.anchor;
  if (name !== undefined && !ANCHOR.test(name)) {
    throw new NodeProblem(`the anchor ${name} must be of letters from a to z, digits, "_" and "-"`, node);
  }
  if (node.tag !== undefined && !TAG.test(node.tag)) throw new NodeProblem(`${node.tag} is not a tag`, node);
  if (isScalar(node) && node.type?.startsWith('BLOCK_') === true) checkBlock(node);
}

/** A key without `?` ends on the line on which it begins. */
function checkKey({ key, srcToken }: Pair): void {
  if (srcToken === undefined || srcToken.start.some(({ type }) => type === 'explicit-key-ind')) return;
  const colon = srcToken.sep?.findIndex(({ type }) => type === 'map-value-ind') ?? -1;
  if (colon < 0) return;
  const written =
    srcToken.key !== undefined && srcToken.key !== null && 'source' in srcToken.key ? srcToken.key.source : '';
  const before =
    written +
    srcToken
      .sep!.slice(0, colon)
      .map(({ source }) => source)
      .join('');
  if (/[\n\u2028\u2029]/.test(before)) throw new NodeProblem('a key and its colon must stand on one line', key as Node);
  if ([...before].length > KEY_CHARACTERS) {
    throw new NodeProblem(`a key may have ${KEY_CHARACTERS} characters at most`, key as Node);
  }
}

/** In a block of text no tab may stand where its indentation is expected: before its first text, and left of it later. */
function checkBlock(node: Scalar): void {
  const token = node.srcToken;
  if (token === undefined || token.type !== 'block-scalar' || !token.source.includes('\t')) return;
  const header = token.props.find(({ type }) => type === 'block-scalar-header');
  const given = /[1-9]/.exec(header !== undefined && 'source' in header ? header.source : '')?.[0];
  let indent = given === undefined ? undefined : Math.max(0, token.indent) + Number(given);
  for (const line of token.source.split('\n')) {
    const spaces = /^ */.exec(line)![0].length;
    if (line[spaces] === '\t' && (indent === undefined || spaces < indent)) {
      throw new NodeProblem('a tab before a line of a block of text: indent it with spaces', node);
    }
    if (spaces < line.length) indent ??= spaces;
  }
}
