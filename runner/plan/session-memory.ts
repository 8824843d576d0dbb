import type { Edge, Graph, Operation } from '../model/graph.ts';
import { type Arena, createArena } from './arena.ts';
import { type Execution, edgeBytes, executionOf, type Lengths } from './execution.ts';
import { isHalf, widened } from './half-precision.ts';
import { type KernelsFor, kernelsOf } from './kernels.ts';
import { type Ports, runInArena } from './run-memory.ts';

/** Memory of a loaded graph, in bytes. */
export interface SessionMemory {
  /** Its stored numbers in memory of its own: rearranged, in another type than in their file, or on a device. */
  readonly weights: number;
  /** Its stored numbers that are read where their file is mapped: the system may drop them and read them again. */
  readonly mapped: number;
  /**
   * Tensors that are alive at once while it runs, as the runtime's allocator holds them, and on a processor the loaded graph itself. They
   * stay until it is released; on a device, where it is what the graph takes beyond what others have left in the arena, they stay for all.
   */
  readonly working: number;
  /** What loading takes for a moment: the largest stored tensor, beside its rearranged self. */
  readonly loading: number;
}

/** How a graph is loaded; `prepack`, on a processor: products compute over rearranged weights. */
export interface Loading extends KernelsFor {
  readonly prepack: boolean;
  /** Which inputs and outputs, by name, lie on the host; on a device they are copied. None unless said. */
  readonly isOnHost?: (name: string) => boolean;
}

/** An arena as the runtime has it: one for each graph on a processor, one for all graphs on a device. */
export function arenaFor(kind: Loading['kind']): Arena {
  return createArena(kind === 'cpu' ? 'powerOfTwo' : 'asRequested');
}

/** Measured on a processor: of numbers that are turned into half precision while they are loaded, what is not given back of the work. */
const TURNING_PART = 1 / 16;
const TURNED_AGAIN = 4 / 3;

/** Measured on a processor: what the runtime keeps of an operation, beside its numbers. */
const OPERATION_BYTES = 5000;

/** Memory of a graph that is run over inputs of the given lengths, one run after another, again and again. */
export function sessionMemory(
  graph: Pick<Graph, 'operations' | 'inputs' | 'outputs'>,
  runs: readonly Lengths[],
  loading: Loading,
  arena: Arena = arenaFor(loading.kind),
): SessionMemory {
  const execution = executionFor(graph, loading);
  const ports = portsOf(graph, loading);
  const constants = constantsOf(execution, ports.outside, loading);
  const before = arena.reserved;
  // A copy of an input is there until the next one is bound.
  for (const edge of graph.inputs) if (ports.copied.has(edge.name)) arena.take(edgeBytes(edge, runs[0]!));
  // What the runs before have left in pieces makes the second time larger than the first.
  for (const lengths of [...runs, ...runs]) runInArena(execution.operations, ports, lengths, kernelsOf(loading), arena);
  return {
    ...storedIn(constants, loading),
    working:
      loading.kind === 'cpu' ? arena.touched + operationBytes(graph) + turnedAgain(constants) : arena.reserved - before,
  };
}

/** What the runtime keeps of the operations of a loaded graph on a processor. */
export function operationBytes({ operations }: Pick<Graph, 'operations'>): number {
  return OPERATION_BYTES * operations.length;
}

/** The numbers of a loaded graph. */
export function storedMemory(
  graph: Pick<Graph, 'operations' | 'inputs' | 'outputs'>,
  loading: Loading,
): Omit<SessionMemory, 'working'> {
  return storedIn(constantsOf(executionFor(graph, loading), portsOf(graph, loading).outside, loading), loading);
}

function storedIn(constants: readonly Constant[], { kind }: Loading): Omit<SessionMemory, 'working'> {
  const bytesOf = (isOwn: boolean) =>
    constants.filter((one) => one.isOwn === isOwn).map(({ edge }) => edgeBytes(edge, {}));
  const own = bytesOf(true);
  const halves = kind === 'cpu' ? constants.filter(({ edge, isOwn }) => isOwn && isHalf(edge)) : [];
  const turning = TURNING_PART * sum(halves.map(({ edge }) => edgeBytes(edge, {})));
  return { weights: sum(own) + turning, mapped: sum(bytesOf(false)), loading: Math.max(0, ...own) };
}

/**
 * Measured on a processor, with layers of two widths: of stored numbers that are turned from half precision in each run the largest are there
 * in float32 once more, and a third of them, than the order of the operations says.
 */
function turnedAgain(constants: readonly Constant[]): number {
  const halves = constants.filter(({ edge }) => isHalf(edge));
  return TURNED_AGAIN * Math.max(0, ...halves.map(({ edge }) => edgeBytes({ ...edge, dtype: 'F32' }, {})));
}

/** What of a graph runs where it is loaded so, and what is computed before. */
export function executionFor(graph: Pick<Graph, 'operations' | 'inputs'>, { kind }: Loading): Execution {
  const { operations, folded } = executionOf(graph);
  if (kind === 'cuda') return { operations, folded };
  return { folded, operations: widened(operations) };
}

/** Numbers that are there before a run; `isOwn` where they are in memory of their own. */
interface Constant {
  readonly edge: Edge;
  readonly isOwn: boolean;
}

function constantsOf(
  { operations, folded }: Execution,
  outside: ReadonlySet<string>,
  loading: Loading,
): readonly Constant[] {
  const made = new Set(operations.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const isConverted = new Set(folded.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const zeros = zerosIn(folded);
  const constants = new Map<string, Constant>();
  const isStored = ({ name }: Edge) => !outside.has(name) && !made.has(name);
  const isChanged = (operation: Operation, edge: Edge) =>
    isConverted.has(edge.name) || isRearranged(operation, edge, loading);
  for (const operation of operations) {
    for (const edge of operation.inputs.filter(isStored)) {
      // Equal numbers are kept once.
      const key = zeros.has(edge.name) ? `zeros ${edge.dtype}[${edge.shape}]` : edge.name;
      const known = constants.get(key);
      const isOwn = loading.kind === 'cuda' || known?.isOwn === true || isChanged(operation, edge);
      constants.set(key, { edge, isOwn });
    }
  }
  return [...constants.values()];
}

/** Products compute over weights in another order than they are stored in, and so do convolutions of pictures in blocks of channels. */
function isRearranged({ op }: Operation, { shape }: Edge, { prepack, optimize }: Loading): boolean {
  const isProduct = prepack && op === 'Gemm' && shape.length === 2;
  return isProduct || (optimize === 'all' && op === 'Conv' && shape.length === 4);
}

/** A graph's inputs and outputs, by where they lie. */
export function portsOf({ inputs, outputs }: Pick<Graph, 'inputs' | 'outputs'>, { kind, isOnHost }: Loading): Ports {
  const names = [...inputs, ...outputs].map(({ name }) => name);
  const isCopied = (name: string) => kind === 'cuda' && isOnHost?.(name) === true;
  return { outside: new Set(names), copied: new Set(names.filter(isCopied)) };
}

/** Names of what is zeros, in whatever type. */
function zerosIn(folded: readonly Operation[]): ReadonlySet<string> {
  const zeros = new Set<string>();
  for (const { op, inputs, outputs } of folded) {
    const isZeros = op === 'ConstantOfShape' || (op === 'Cast' && inputs.every(({ name }) => zeros.has(name)));
    for (const { name } of outputs) if (isZeros) zeros.add(name);
  }
  return zeros;
}

/** All together; of what loading takes, the most. */
export function sumOfSessions(all: readonly SessionMemory[]): SessionMemory {
  return {
    weights: sum(all.map(({ weights }) => weights)),
    mapped: sum(all.map(({ mapped }) => mapped)),
    working: sum(all.map(({ working }) => working)),
    loading: Math.max(0, ...all.map(({ loading }) => loading)),
  };
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
