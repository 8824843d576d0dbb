import { bytesOf, bytesPerElement, type DType, elementCount, type FloatType, type TensorEntry } from '../tensor.ts';
import { modelError } from './errors.ts';
import { nodeOrder } from './node-order.ts';
import { type Attribute, type Axis, type OnnxInitializer, type OnnxNode, type OnnxPort, onnxBytes } from './onnx.ts';

/** A value of a graph under construction. */
export interface Edge {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Axis[];
}

/** A finished graph, and what a caller must bind to it. */
export interface Graph {
  readonly bytes: Uint8Array;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  /** Stored tensors that it reads, by their names in the checkpoint. */
  readonly weights: readonly string[];
  /** Their bytes in the files. */
  readonly weightBytes: number;
  /** What it computes, in the order of its nodes (node-order.ts). */
  readonly operations: readonly Operation[];
}

/** An operation of a graph, with the types and shapes that it reads and writes. */
export interface Operation {
  readonly op: string;
  readonly inputs: readonly Edge[];
  readonly outputs: readonly Edge[];
}

/** Stored tensors by name: where each lies, of what type and shape. */
export type TensorIndex = ReadonlyMap<string, TensorEntry>;

type Attributes = Readonly<Record<string, Attribute>>;
type Edges = readonly (Edge | null)[];
interface Result {
  readonly dtype: DType;
  readonly shape: readonly Axis[];
}

/** Collects nodes and initialisers; every method that makes an edge gives it with its type and shape. */
export interface GraphBuilder {
  input(name: string, dtype: DType, shape: readonly Axis[]): Edge;
  /** Names an edge, made by a node, as an output of the graph; each edge once. */
  output(name: string, edge: Edge): void;
  /**
   * A stored tensor, read where it lies in its file and cast to `dtype` where stored otherwise. `as` views it in another
   * shape of as many elements. Throws `E_MODEL_TENSOR` when it is missing or its shape is not `shape`.
   */
  weight(name: string, shape: readonly number[], dtype: FloatType, as?: readonly number[]): Edge;
  constant(data: ArrayBufferView, dtype: DType, shape: readonly number[]): Edge;
  node(op: string, inputs: readonly (Edge | null)[], result: Result, attributes?: Attributes, domain?: string): Edge;
  /** A node of several outputs; null where it has one that is not wanted. */
  nodeOfMany<T extends readonly (Result | null)[]>(
    op: string,
    inputs: readonly (Edge | null)[],
    results: T,
    attributes?: Attributes,
    domain?: string,
  ): { readonly [K in keyof T]: T[K] extends Result ? Edge : null };
  split(edge: Edge, axis: number, parts: number): readonly Edge[];
  finish(): Graph;
}

/** The version that all operators here have kernels for; `opset` asks for a newer one. */
const OPSET = 23;

/** Starts a graph over the tensors of one component. */
export function graphBuilder(name: string, tensors: TensorIndex, opset = OPSET): GraphBuilder {
  const inputs: OnnxPort[] = [];
  const outputs: OnnxPort[] = [];
  const nodes: OnnxNode[] = [];
  const initializers: OnnxInitializer[] = [];
  const constants = new Map<string, Edge>();
  const weights = new Map<string, number>();
  const renamed = new Map<string, string>();
  const operations: Operation[] = [];
  let edges = 0;
  const fresh = (result: Result): Edge => ({ name: `e${edges++}`, ...result });
  const emit = (op: string, from: Edges, to: Edges, attributes: Attributes, domain = '') => {
    const names = (all: Edges) => all.map((e) => e?.name ?? '');
    nodes.push({ op, domain, inputs: names(from), outputs: names(to), attributes });
    operations.push({ op, inputs: from.filter((e) => e !== null), outputs: to.filter((e) => e !== null) });
  };
  const cast = (edge: Edge, dtype: DType): Edge => {
    const to = fresh({ dtype, shape: edge.shape });
    emit('Cast', [edge], [to], { to: { dtype } });
    return to;
  };
  return {
    input(inputName, dtype, shape) {
      inputs.push({ name: inputName, dtype, shape });
      return { name: inputName, dtype, shape };
    },
    output(outputName, edge) {
      outputs.push({ name: outputName, dtype: edge.dtype, shape: edge.shape });
      renamed.set(edge.name, outputName);
    },
    weight(tensorName, shape, dtype, as = shape) {
      const entry = storedTensor(tensors, tensorName, shape);
      const edge = { name: `${tensorName}[${as}]`, dtype: entry.dtype, shape: as };
      if (!initializers.some((initializer) => initializer.name === edge.name)) {
        initializers.push({ ...edge, source: entry });
      }
      weights.set(tensorName, entry.byteLength);
      return entry.dtype === dtype ? edge : cast(edge, dtype);
    },
    constant(data, dtype, shape) {
      const bytes = bytesOf(data);
      const key = `${dtype}[${shape}]${Buffer.from(bytes).toString('base64')}`;
      const known = constants.get(key);
      if (known !== undefined) return known;
      const edge = { name: `c${constants.size}`, dtype, shape };
      constants.set(key, edge);
      initializers.push({ ...edge, source: bytes });
      return edge;
    },
    node(op, from, result, attributes = {}, domain = '') {
      const to = fresh(result);
      emit(op, from, [to], attributes, domain);
      return to;
    },
    nodeOfMany(op, from, results, attributes = {}, domain = '') {
      const to = results.map((result) => (result === null ? null : fresh(result)));
      emit(op, from, to, attributes, domain);
      return to as { readonly [K in keyof typeof results]: (typeof results)[K] extends Result ? Edge : null };
    },
    split(edge, axis, parts) {
      const length = edge.shape[axis] as number;
      const shape = edge.shape.with(axis, length / parts);
      const to = Array.from({ length: parts }, () => fresh({ dtype: edge.dtype, shape }));
      emit('Split', [edge], to, { axis: BigInt(axis), num_outputs: BigInt(parts) });
      return to;
    },
    finish() {
      const weightBytes = [...weights.values()].reduce((sum, bytes) => sum + bytes, 0);
      const order = nodeOrder(nodes);
      const ordered = order.map((index) => nodes[index]!);
      const bytes = onnxBytes({ name, opset, inputs, outputs, nodes: rename(ordered, renamed), initializers });
      const computed = order.map((index) => withNames(operations[index]!, renamed));
      return { bytes, inputs, outputs, weights: [...weights.keys()], weightBytes, operations: computed };
    },
  };
}

/** Outputs of the graph get their names where they are made, so that naming them costs no copy. */
function rename(nodes: readonly OnnxNode[], names: ReadonlyMap<string, string>): readonly OnnxNode[] {
  const named = (edge: string) => names.get(edge) ?? edge;
  return nodes.map((node) => ({ ...node, inputs: node.inputs.map(named), outputs: node.outputs.map(named) }));
}

function withNames({ op, inputs, outputs }: Operation, names: ReadonlyMap<string, string>): Operation {
  const named = (edge: Edge) => ({ ...edge, name: names.get(edge.name) ?? edge.name });
  return { op, inputs: inputs.map(named), outputs: outputs.map(named) };
}

function storedTensor(tensors: TensorIndex, tensor: string, shape: readonly number[]): TensorEntry {
  const entry = tensors.get(tensor);
  const wanted = `[${shape}]`;
  if (entry === undefined) throw modelError('E_MODEL_TENSOR', { tensor, found: 'nothing', wanted });
  const fits =
    String(entry.shape) === String(shape) && entry.byteLength === elementCount(shape) * bytesPerElement(entry.dtype);
  if (!fits) throw modelError('E_MODEL_TENSOR', { tensor, found: `${entry.dtype} [${entry.shape}]`, wanted });
  return entry;
}
