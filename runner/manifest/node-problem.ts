import type { Node } from 'yaml';

/** A node that cannot be read, with its place in the text. */
export class NodeProblem extends Error {
  readonly offset: number;
  constructor(message: string, node: Node | null | undefined) {
    super(message);
    this.offset = node?.range?.[0] ?? 0;
  }
}
