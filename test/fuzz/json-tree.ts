/**
 * JSON as a tree that can hold what damaged files hold: names in any order, given twice, and numbers written in ways that no
 * program writes.
 */

/** A value: an object's entries, a list's items, or a text that stands in the file as it is. */
export type Tree =
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Tree])[] }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
  | { readonly kind: 'text'; readonly text: string };

export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(treeOf) };
  if (typeof value !== 'object' || value === null) return { kind: 'text', text: JSON.stringify(value) };
  return { kind: 'object', entries: Object.entries(value).map(([name, child]) => [name, treeOf(child)]) };
}

export function print(tree: Tree): string {
  if (tree.kind === 'text') return tree.text;
  if (tree.kind === 'list') return `[${tree.items.map(print).join(',')}]`;
  return `{${tree.entries.map(([name, child]) => `${JSON.stringify(name)}:${print(child)}`).join(',')}}`;
}

/** Number of values in a tree, itself included. */
export function size(tree: Tree): number {
  return 1 + children(tree).reduce((sum, child) => sum + size(child), 0);
}

/** Numbers of the values that hold others, in the order in which they are written. */
export function containers(tree: Tree, first = 0): readonly number[] {
  if (tree.kind === 'text') return [];
  let next = first + 1;
  const inner = children(tree).flatMap((child) => {
    const start = next;
    next += size(child);
    return containers(child, start);
  });
  return [first, ...inner];
}

/** The tree with its value number `at`, in the order in which they are written, changed by `change`. */
export function changeAt(tree: Tree, at: number, change: (value: Tree) => Tree): Tree {
  if (at === 0) return change(tree);
  let first = 1;
  const parts = children(tree).map((child) => {
    const start = first;
    const length = size(child);
    first += length;
    return at >= start && at < start + length ? changeAt(child, at - start, change) : child;
  });
  if (tree.kind === 'list') return { kind: 'list', items: parts };
  if (tree.kind === 'text') return tree;
  return { kind: 'object', entries: tree.entries.map(([name], index) => [name, parts[index]!]) };
}

function children(tree: Tree): readonly Tree[] {
  if (tree.kind === 'object') return tree.entries.map(([, child]) => child);
  return tree.kind === 'list' ? tree.items : [];
}
