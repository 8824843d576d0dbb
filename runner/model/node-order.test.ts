import { expect, test } from 'vitest';
import { nodeOrder } from './node-order.ts';

const node = (inputs: string, outputs: string) => ({ inputs: inputs.split(' '), outputs: outputs.split(' ') });

test('what nothing reads comes last, from the latest to the earliest', () => {
  const nodes = [node('x', 'a'), node('a', 'kept1'), node('a', 'b'), node('b', 'kept2'), node('b', 'y')];
  expect(nodeOrder(nodes).map((index) => nodes[index]!.outputs.join())).toEqual(['a', 'b', 'y', 'kept2', 'kept1']);
});

test('a chain stays as it is', () => {
  expect(nodeOrder([node('x', 'a'), node('a', 'b'), node('b', 'y')])).toEqual([0, 1, 2]);
});

test('a node of several results is read if one of them is', () => {
  expect(nodeOrder([node('x', 'a b'), node('b', 'y'), node('x', 'c')])).toEqual([0, 2, 1]);
});
