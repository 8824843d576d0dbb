/** From the nodes of a YAML document to the value that kubectl makes of it (go-yaml v2, then JSON). */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { checkNode } from './go-yaml-limits.ts';
import { NodeProblem } from './node-problem.ts';
import { quotedText } from './quoted-text.ts';
import { plainValue, type ScalarValue, taggedValue } from './scalar.ts';

/** A value in JSON. */
export type Json = ScalarValue | readonly Json[] | { readonly [key: string]: Json };

/** From this share of work on, nodes read through aliases are refused, as kubectl does: they unfold without end. */
const ALIAS_SHARE = 0.99;
const ALIASES_ALLOWED = 100;
const NODES_ALLOWED = 1000;
/** More nodes than any object that the API server would take. */
const NODES_LIMIT = 2_000_000;

interface Walk {
  readonly targets: ReadonlyMap<Alias, Node>;
  readonly open: Set<Node>;
  nodes: number;
  throughAliases: number;
  depth: number;
}

/** Value of a document; `null` where it is empty. Throws {@link NodeProblem}. */
export function jsonOf(document: Document): Json {
  const walk: Walk = { targets: targetsOf(document), open: new Set(), nodes: 0, throughAliases: 0, depth: 0 };
  return value(document.contents, walk);
}

/** What each alias stands for: the last node before it that has its name. */
function targetsOf(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, (_, node) => {
    checkNode(node);
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target !== undefined) targets.set(node, target);
    } else if (isNode(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
  });
  return targets;
}

function value(node: unknown, walk: Walk): Json {
  walk.nodes += 1;
  if (walk.depth > 0) walk.throughAliases += 1;
  const excessive = walk.nodes > NODES_ALLOWED && walk.throughAliases / walk.nodes > ALIAS_SHARE;
  if ((walk.throughAliases > ALIASES_ALLOWED && excessive) || walk.nodes > NODES_LIMIT) {
    throw new NodeProblem('aliases unfold to more than a manifest may hold', node as Node);
  }
  if (node === null || node === undefined) return null;
  if (isAlias(node)) return throughAlias(node, walk, (target) => value(target, walk));
  if (isScalar(node)) return scalarValue(node, node);
  if (isSeq(node)) return node.items.map((item) => value(item, walk));
  if (isMap(node)) {
    const fields = new Map<string, Json>();
    readMap(node, fields, walk);
    return Object.fromEntries(fields);
  }
  throw new NodeProblem('not a value', node as Node);
}

function scalarValue(node: Scalar, at: unknown): ScalarValue {
  const text = quotedText(node) ?? (typeof node.value === 'string' ? node.value : '');
  try {
    const read = node.tag !== undefined ? taggedValue(node.tag, text) : node.type === 'PLAIN' ? plainValue(text) : text;
    if (typeof read === 'number' && !Number.isFinite(read)) throw new Error(`${text} is not a number that JSON has`);
    return read;
  } catch (error) {
    throw new NodeProblem((error as Error).message, at as Node);
  }
}

/** Fields in the order of the file, so that the later one stays: also where `<<` stands after a field of its own. */
function readMap(map: YAMLMap, fields: Map<string, Json>, walk: Walk): void {
  for (const { key, value: given } of map.items) {
    if (isMergeKey(key)) merge(given, fields, walk);
    else fields.set(keyText(value(key, walk), key), value(given, walk));
  }
}

function isMergeKey(key: unknown): boolean {
  if (!isScalar(key) || key.value !== '<<') return false;
  // `!` says that the text decides, also in quotes.
  if (key.tag === '!') return true;
  return key.tag === 'tag:yaml.org,2002:merge' || (key.tag === undefined && key.type === 'PLAIN');
}

function merge(given: unknown, fields: Map<string, Json>, walk: Walk): void {
  // Of several the first has the last word.
  for (const source of isSeq(given) ? given.items.toReversed() : [given]) {
    if (isMap(source)) readMap(source, fields, walk);
    else if (isAlias(source)) {
      throughAlias(source, walk, (target) => {
        if (!isMap(target)) throw new NodeProblem('<< takes maps only', source);
        readMap(target, fields, walk);
      });
    } else throw new NodeProblem('<< takes a map or a list of maps', source as Node);
  }
}

function throughAlias<T>(alias: Alias, walk: Walk, read: (target: Node) => T): T {
  const target = walk.targets.get(alias);
  if (target === undefined) throw new NodeProblem(`there is no anchor &${alias.source}`, alias);
  if (walk.open.has(alias)) throw new NodeProblem(`anchor &${alias.source} contains itself`, alias);
  walk.open.add(alias);
  walk.depth += 1;
  const result = read(target);
  walk.depth -= 1;
  walk.open.delete(alias);
  return result;
}

function keyText(key: Json, at: unknown): string {
  if (['string', 'boolean', 'number', 'bigint'].includes(typeof key)) return String(key);
  throw new NodeProblem('a key must be a text, a number or a boolean', at as Node);
}
