/**
 * The order of a graph's nodes: as they were made, but those that nothing reads last, the latest of them first. The runtime
 * computes a graph depth first from the last of those. In the order of the construction, what leaves a graph on its way (kept keys,
 * a decoder's states) would be cut off at the very end, and all that it is cut from kept until then.
 */
export function nodeOrder(
  nodes: readonly { readonly inputs: readonly string[]; readonly outputs: readonly string[] }[],
): readonly number[] {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const isEnd = (index: number) => !nodes[index]!.outputs.some((edge) => read.has(edge));
  const all = [...nodes.keys()];
  return [...all.filter((index) => !isEnd(index)), ...all.filter(isEnd).reverse()];
}
