import { type DType, ONNX_ELEMENT } from '../tensor.ts';

/**
 * Writes ONNX files: the few messages of the format's protobuf schema (onnx.proto, IR version 10) that our graphs use.
 * Pure: a plain description in, bytes out.
 */

/** An axis: its length, or the name of a length that is known only at run time. */
export type Axis = number | string;

/** Attribute of a node: integers are given as bigint, floats as number, so that no value is ambiguous. */
export type Attribute = bigint | number | string | readonly bigint[] | { readonly dtype: DType };

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxPort {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Axis[];
}

/** A constant of the graph: its bytes, or the place of its bytes in a file of the weights folder. */
export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly source: Uint8Array | { readonly file: string; readonly offset: number; readonly byteLength: number };
}

export interface OnnxGraph {
  readonly name: string;
  readonly opset: number;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
}

const IR_VERSION = 10;
const CONTRIB_DOMAIN = 'com.microsoft';

/** The graph as an ONNX model. */
export function onnxBytes(graph: OnnxGraph): Uint8Array {
  const domains = [
    { domain: '', version: graph.opset },
    { domain: CONTRIB_DOMAIN, version: 1 },
  ];
  const body = [
    ...graph.nodes.map((node) => message(1, nodeBytes(node))),
    text(2, graph.name),
    ...graph.initializers.map((initializer) => message(5, initializerBytes(initializer))),
    ...graph.inputs.map((port) => message(11, portBytes(port))),
    ...graph.outputs.map((port) => message(12, portBytes(port))),
  ];
  return Buffer.concat([
    integer(1, IR_VERSION),
    text(2, 'dualparal'),
    message(7, Buffer.concat(body)),
    ...domains.map((d) => message(8, Buffer.concat([text(1, d.domain), integer(2, d.version)]))),
  ]);
}

function nodeBytes(node: OnnxNode): Uint8Array {
  return Buffer.concat([
    ...node.inputs.map((name) => text(1, name)),
    ...node.outputs.map((name) => text(2, name)),
    text(4, node.op),
    ...Object.entries(node.attributes).map(([name, value]) => message(5, attributeBytes(name, value))),
    text(7, node.domain),
  ]);
}

function attributeBytes(name: string, value: Attribute): Uint8Array {
  const kinds = { float: 1, int: 2, string: 3, ints: 7 };
  const parts = [text(1, name)];
  if (typeof value === 'bigint') parts.push(integer(3, value), integer(20, kinds.int));
  else if (typeof value === 'number') parts.push(float(2, value), integer(20, kinds.float));
  else if (typeof value === 'string') parts.push(text(4, value), integer(20, kinds.string));
  else if ('dtype' in value) parts.push(integer(3, ONNX_ELEMENT[value.dtype]), integer(20, kinds.int));
  else parts.push(...value.map((item) => integer(8, item)), integer(20, kinds.ints));
  return Buffer.concat(parts);
}

function initializerBytes(initializer: OnnxInitializer): Uint8Array {
  const { source } = initializer;
  const head = [
    ...initializer.shape.map((axis) => integer(1, axis)),
    integer(2, ONNX_ELEMENT[initializer.dtype]),
    text(8, initializer.name),
  ];
  if (source instanceof Uint8Array) return Buffer.concat([...head, message(9, source)]);
  const external = 1;
  const place = { location: source.file, offset: String(source.offset), length: String(source.byteLength) };
  const entries = Object.entries(place).map(([key, value]) =>
    message(13, Buffer.concat([text(1, key), text(2, value)])),
  );
  return Buffer.concat([...head, ...entries, integer(14, external)]);
}

function portBytes(port: OnnxPort): Uint8Array {
  const axes = port.shape.map((axis) => message(1, typeof axis === 'number' ? integer(1, axis) : text(2, axis)));
  const tensor = Buffer.concat([integer(1, ONNX_ELEMENT[port.dtype]), message(2, Buffer.concat(axes))]);
  return Buffer.concat([text(1, port.name), message(2, message(1, tensor))]);
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

function tag(field: number, wire: number): number[] {
  return varint(BigInt(field * 8 + wire));
}

function integer(field: number, value: number | bigint): Uint8Array {
  return Uint8Array.from([...tag(field, VARINT), ...varint(BigInt(value))]);
}

function float(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([Uint8Array.from(tag(field, FIXED_32)), bytes]);
}

function message(field: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([...tag(field, LENGTH_DELIMITED), ...varint(BigInt(body.byteLength))]), body]);
}

function text(field: number, value: string): Uint8Array {
  return message(field, Buffer.from(value));
}
