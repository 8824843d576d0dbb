import { describe, expect, test } from 'vitest';
import type { Edge, Operation } from '../model/graph.ts';
import { createArena } from './arena.ts';
import { planBuffers } from './buffers.ts';
import { edgeBytes, executionOf } from './execution.ts';
import { kernelsOf } from './kernels.ts';
import { runInArena } from './run-memory.ts';

/** "a:4" is an edge named a of four float32 numbers, "a:S" one of a named length. */
function edge(text: string): Edge {
  const [name, length] = text.split(':') as [string, string];
  return { name, dtype: 'F32', shape: [/^\d+$/.test(length) ? Number(length) : length] };
}

/** "a:4 b:4 Add c:4": what is read, the operation, what is made. */
function operation(text: string): Operation {
  const words = text.split(' ');
  const at = words.findIndex((word) => !word.includes(':'));
  return { op: words[at]!, inputs: words.slice(0, at).map(edge), outputs: words.slice(at + 1).map(edge) };
}

const graphOf = (lines: readonly string[], inputs: readonly string[]) => ({
  operations: lines.map(operation),
  inputs: inputs.map((name) => ({ name, dtype: 'F32' as const, shape: [4] })),
});

describe('the order of a run is depth first from the last end', () => {
  const order = (lines: readonly string[], inputs = ['x']) =>
    executionOf(graphOf(lines, inputs)).operations.map(({ outputs }) => outputs[0]!.name);
  const CHAIN = ['x:4 Conv a:4', 'a:4 Conv b:4'];
  test.each([
    { what: 'a chain', lines: [...CHAIN, 'b:4 Conv y:4'], runs: ['a', 'b', 'y'] },
    {
      what: 'an end that comes last is computed first',
      lines: [...CHAIN, 'b:4 Conv y:4', 'a:4 Slice kept:4'],
      runs: ['a', 'kept', 'b', 'y'],
    },
    {
      what: 'an end in the middle is computed last',
      lines: [...CHAIN, 'a:4 Slice kept:4', 'b:4 Conv y:4'],
      runs: ['a', 'b', 'y', 'kept'],
    },
    {
      what: 'of two inputs the later one',
      lines: ['x:4 Conv a:4', 'x:4 Conv b:4', 'a:4 b:4 Add y:4'],
      runs: ['b', 'a', 'y'],
    },
  ])('$what', ({ lines, runs }) => expect(order(lines)).toEqual(runs));

  test('what consists of stored numbers is computed where the graph is loaded, zeros of a shape too', () => {
    const graph = graphOf(['w:4 Cast v:4', 'size:1 ConstantOfShape z:4', 'x:4 v:4 Mul a:4', 'a:4 z:4 Add y:4'], ['x']);
    const names = (operations: readonly Operation[]) => operations.map(({ op }) => op);
    const { operations, folded } = executionOf(graph);
    expect([names(operations), names(folded)]).toEqual([
      ['Mul', 'Add'],
      ['Cast', 'ConstantOfShape'],
    ]);
  });
});

describe('buffers', () => {
  const buffersOf = (lines: readonly string[]) =>
    Object.fromEntries(planBuffers(lines.map(operation), new Set(['x', 'y'])));
  test.each([
    {
      what: 'each its own while all are read',
      lines: ['x:4 Conv a:4', 'x:4 Conv b:4', 'a:4 b:4 Add y:4'],
      buffers: { a: 'a', b: 'b' },
    },
    {
      what: 'that of what nobody reads any more, of the same shape',
      lines: ['x:4 Conv a:4', 'a:4 Conv b:4', 'b:4 Conv c:4'],
      buffers: { a: 'a', b: 'b', c: 'a' },
    },
    {
      what: 'not of another shape',
      lines: ['x:4 Conv a:4', 'a:4 Conv b:4', 'b:4 Conv c:5'],
      buffers: { a: 'a', b: 'b', c: 'c' },
    },
    {
      what: 'not where a length has a name',
      lines: ['x:S Conv a:S', 'a:S Conv b:S', 'b:S Conv c:S'],
      buffers: { a: 'a', b: 'b', c: 'c' },
    },
    {
      what: 'a view lies where its input does',
      lines: ['x:4 Conv a:4', 'a:4 Reshape v:4', 'v:4 Conv y:4'],
      buffers: { a: 'a', v: 'a' },
    },
    { what: 'a view of an input has none', lines: ['x:4 Reshape v:4', 'v:4 Conv y:4'], buffers: {} },
    {
      what: 'not that of what it reads itself, element by element or not',
      lines: ['x:4 Conv a:4', 'a:4 x:4 Mul b:4', 'b:4 Conv y:4'],
      buffers: { a: 'a', b: 'b' },
    },
  ])('$what', ({ lines, buffers }) => expect(buffersOf(lines)).toEqual(buffers));
});

describe('a run in an arena', () => {
  const touched = (lines: readonly string[], lengths = {}, copied: readonly string[] = []) => {
    const arena = createArena('powerOfTwo');
    const ports = { outside: new Set(['x', 'y']), copied: new Set(copied) };
    runInArena(lines.map(operation), ports, lengths, { scratchOf: () => [] }, arena);
    return arena.touched;
  };
  test.each([
    { what: 'inputs and outputs lie elsewhere', lines: ['x:64 Conv y:64'], bytes: 0 },
    {
      what: 'two tensors of a chain are alive at once',
      lines: ['x:64 Conv a:64', 'a:64 Conv b:64', 'b:64 Conv c:64', 'c:64 Conv y:64'],
      bytes: 512,
    },
    {
      what: 'a skip keeps a third',
      lines: ['x:64 Conv a:64', 'a:64 Conv b:64', 'b:64 Conv c:64', 'a:64 c:64 Add y:64'],
      bytes: 768,
    },
    {
      what: 'what nobody reads is there to the end of the run',
      lines: ['x:S Conv a:S unread:S', 'a:S Conv b:S', 'b:S Conv c:S', 'c:S Conv y:S'],
      bytes: 768,
    },
  ])('$what', ({ lines, bytes }) => expect(touched(lines, { S: 64 })).toBe(bytes));

  test('an output that goes to the host lies in the arena before', () => {
    expect(touched(['x:64 Conv y:64'], {}, ['y'])).toBe(256);
  });

  test('named lengths, and sums of them, are as long as said', () => {
    const wide = { name: 'a', dtype: 'F16', shape: ['S+R', 2] } as const;
    expect(edgeBytes(wide, { S: 3, R: 5 })).toBe(8 * 2 * 2);
    expect(touched(['x:S Conv a:S', 'a:S Conv y:S'], { S: 128 })).toBe(512);
  });
});

describe('what kernels of a processor take for themselves', () => {
  const { scratchOf } = kernelsOf({ kind: 'cpu', threads: 4 });
  const tensor = (shape: readonly number[]): Edge => ({ name: 'e', dtype: 'F32', shape });
  const convolution = (from: number, to: number, kernel: number, size: number): Operation => ({
    op: 'Conv',
    inputs: [tensor([1, from, 3, size, size]), tensor([to, from, kernel, kernel, kernel])],
    outputs: [tensor([1, to, 1, size, size])],
  });
  test.each([
    { what: 'a convolution, what each thread expands', run: convolution(8, 16, 3, 32), pieces: [4 * 128 * 1024] },
    { what: 'one of a single pixel, nothing', run: convolution(8, 16, 1, 32), pieces: [] },
    {
      what: 'one of more channels than pixels, all expanded',
      run: convolution(8, 64, 3, 4),
      pieces: [8 * 27 * 16 * 4],
    },
    { what: 'a sum, nothing', run: operation('a:4 b:4 Add c:4'), pieces: [] },
    {
      what: 'attention, its inputs turned',
      run: operation('q:4 k:8 v:8 MultiHeadAttention y:4'),
      pieces: [16, 32, 32],
    },
    {
      what: 'a transposed convolution, what every pixel is spread to',
      run: {
        op: 'ConvTranspose',
        inputs: [tensor([4, 6, 5, 5]), tensor([6, 3, 4, 4])],
        outputs: [tensor([4, 3, 10, 10])],
      },
      pieces: [3 * 16 * 25 * 4],
    },
  ])('$what', ({ run, pieces }) => expect(scratchOf(run, {})).toEqual(pieces));

  test('where the runtime may rearrange a graph, a convolution of pictures has its input and result in blocks of eight channels', () => {
    const all = kernelsOf({ kind: 'cpu', threads: 4, optimize: 'all' });
    const pictures = {
      op: 'Conv',
      inputs: [tensor([1, 8, 32, 32]), tensor([3, 8, 3, 3])],
      outputs: [tensor([1, 3, 32, 32])],
    };
    expect(all.scratchOf(pictures, {})).toEqual([8 * 32 * 32 * 4, 8 * 32 * 32 * 4]);
    expect(all.scratchOf(convolution(8, 16, 3, 32), {})).toEqual([4 * 128 * 1024]);
  });
});

describe('what kernels of a device take for themselves', () => {
  const { scratchOf } = kernelsOf({ kind: 'cuda', threads: 4 });
  const attention = (dtype: Edge['dtype'], pixels: number, width: number): Operation => {
    const edge: Edge = { name: 'e', dtype, shape: [1, pixels, width] };
    return { op: 'Attention', inputs: [edge, edge, edge], outputs: [edge] };
  };
  test.each([
    {
      what: 'attention of 64 × 64 pixels in float16, sums of two parts of the keys',
      run: attention('F16', 4096, 32),
      pieces: [4 * 4096, 2 * 4 * 4096, 2 * 32 * 4 * 4096],
    },
    {
      what: 'of as many as keep a device busy, of all keys at once',
      run: attention('F16', 8192, 32),
      pieces: [4 * 8192],
    },
    { what: 'of more channels than its kernel knows, nothing', run: attention('F16', 4096, 384), pieces: [] },
    { what: 'in float32, nothing', run: attention('F32', 4096, 32), pieces: [] },
    { what: 'a sum, nothing', run: operation('a:4 b:4 Add c:4'), pieces: [] },
  ])('$what', ({ run, pieces }) => expect(scratchOf(run, {})).toEqual(pieces));
});
