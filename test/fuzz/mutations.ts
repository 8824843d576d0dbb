import fc from 'fast-check';
import { changeAt, containers, print, size, type Tree, treeOf } from './json-tree.ts';
import { type Layout, repack } from './layout.ts';
import type { MicroModel } from './micro-model.ts';
import { STAND_INS, type StandIn } from './stand-ins.ts';

/** A change of a JSON text's structure; `at` and `entry` are shares of its values, and of the entries of one of them. */
type TreeEdit = { readonly at: number } & (
  | { readonly edit: 'replace'; readonly text: string }
  | { readonly edit: 'scale'; readonly by: number }
  | { readonly edit: 'wrap' | 'reverse' }
  | { readonly edit: 'delete' | 'repeat'; readonly entry: number }
  | { readonly edit: 'rename' | 'add'; readonly entry: number; readonly to: string }
  | { readonly edit: 'swap'; readonly other: number }
);

/** A change of a file's bytes at `at`, a share of its length. */
type ByteEdit = { readonly at: number } & (
  | { readonly edit: 'set'; readonly value: number }
  | { readonly edit: 'insert'; readonly bytes: readonly number[] }
  | { readonly edit: 'remove' | 'copy'; readonly length: number }
  | { readonly edit: 'cut' }
);

/** A damaged file: changes of its JSON, then of its bytes; of a weights file also of its length prefix and of its data. */
export interface Damage {
  readonly file: string;
  readonly tree: readonly TreeEdit[];
  /** Of a weights file: offsets and data are made anew for the changed tensors; null leaves them as they are. */
  readonly repacked: Layout | null;
  readonly bytes: readonly ByteEdit[];
  /** Added to the length that the prefix gives. */
  readonly prefix: number;
  /** Added to the bytes of data; `null`: none is left. */
  readonly data: number | null;
  /** What lies there instead of the file, whatever else was changed; null for the damaged file itself. */
  readonly standIn: StandIn | null;
}

/** A file as it is written: some bytes, then a hole up to `length`. */
export interface FileBytes {
  readonly bytes: Uint8Array;
  readonly length: number;
}

const DEEP = 20_000;
/** Share of the edits of an entry that go to the outermost object: the tensors of a header, the fields of a config. */
const OUTERMOST = 0.3;
/** Values that programs stumble over. */
const AWKWARD = [
  ...['null', 'true', 'false', '{}', '[]', '""', '0', '-0', '-1', '1', '2', '3', '4', '1.5', '1e3', '2147483648'],
  ...[
    '4294967296',
    '9007199254740991',
    '9007199254740993',
    '18446744073709551616',
    '1e300',
    '1e400',
    '-1e400',
    '1e-400',
  ],
  ...[
    '01',
    '+1',
    'NaN',
    'Infinity',
    "'a'",
    '"F16"',
    '"I32"',
    '"U32"',
    '"I16"',
    '"BF16"',
    '"F64"',
    '"I8"',
    '"F8_E4M3"',
    '"__proto__"',
    '"toString"',
  ],
  ...[
    '[0,0]',
    '[1,2,2]',
    '[1,1]',
    '["diffusers",null]',
    '[null,null]',
    '{"__proto__":{}}',
    '"\\u0000"',
    '"\\ud800"',
    '"🜁"',
  ],
  ...[
    '"../x.safetensors"',
    '"/etc/passwd"',
    '"a-1.safetensors"',
    '"a-2.safetensors"',
    '"WanPipeline"',
    '"FlowMatchEulerDiscreteScheduler"',
  ],
  `"${'long '.repeat(2000)}"`,
  `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  `[${'1,'.repeat(5000)}1]`,
];
const NAMES = [
  '__proto__',
  '__metadata__',
  'constructor',
  '',
  'dtype',
  'shape',
  'data_offsets',
  'weight_map',
  'x'.repeat(5000),
];

/** From 0 up to 1, all alike: the library's own doubles are nearly all close to zero. */
const share = fc.noBias(fc.nat(2 ** 20 - 1)).map((n) => n / 2 ** 20);

/** Sound more often than not, so that what is wrong is wrong with the tensors. */
const layouts: fc.Arbitrary<Layout> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'sound' as const }) },
  fc.record({ kind: fc.constant('boundary' as const), at: share, by: fc.integer({ min: -8, max: 8 }) }),
  fc.record({ kind: fc.constant('shared' as const), at: share }),
);

function treeEdits(names: readonly string[]): fc.Arbitrary<TreeEdit> {
  const at = share;
  return fc.oneof(
    fc.record({ at, edit: fc.constant('replace' as const), text: fc.constantFrom(...AWKWARD) }),
    fc.record({ at, edit: fc.constant('scale' as const), by: fc.constantFrom(-1, 0.5, 2, 4, 1e9) }),
    fc.record({ at, edit: fc.constantFrom('wrap' as const, 'reverse' as const) }),
    fc.record({ at, edit: fc.constantFrom('delete' as const, 'repeat' as const), entry: share }),
    fc.record({
      at,
      edit: fc.constantFrom('rename' as const, 'add' as const),
      entry: share,
      to: fc.oneof(...[names, NAMES, ['unheard-of']].map((list) => fc.constantFrom(...list))),
    }),
    fc.record({ at, edit: fc.constant('swap' as const), other: share }),
  );
}

const byteEdits: fc.Arbitrary<ByteEdit> = fc.oneof(
  fc.record({ at: share, edit: fc.constant('set' as const), value: fc.nat(255) }),
  fc.record({
    at: share,
    edit: fc.constant('insert' as const),
    bytes: fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }),
  }),
  fc.record({
    at: share,
    edit: fc.constantFrom('remove' as const, 'copy' as const),
    length: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({ at: share, edit: fc.constant('cut' as const) }),
);

const jumps = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  fc.integer({ min: -64, max: 64 }),
  fc.constantFrom(2 ** 31, 2 ** 53, -(2 ** 31)),
);

/** One or two damaged files of a model, each damaged at least once unless its changes happen to change nothing. */
export function damages(model: MicroModel): fc.Arbitrary<readonly Damage[]> {
  const files = [...Object.keys(model.json), ...Object.keys(model.weights)];
  const damageOf = (file: string) => {
    const content = model.json[file] ?? model.weights[file]!.header;
    const isWeights = file in model.weights;
    return fc.record({
      file: fc.constant(file),
      tree: fc.array(treeEdits(namesIn(treeOf(content)).slice(0, 40)), { maxLength: 2 }),
      repacked: isWeights ? fc.option(layouts) : fc.constant(null),
      bytes: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(byteEdits, { minLength: 1, maxLength: 3 })),
      prefix: isWeights ? jumps : fc.constant(0),
      data: isWeights ? fc.oneof({ weight: 20, arbitrary: jumps }, fc.constant(null)) : fc.constant(0),
      standIn: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constantFrom(...STAND_INS)),
    });
  };
  return fc.array(fc.oneof(...files.map(damageOf)), { minLength: 1, maxLength: 2 });
}

function namesIn(tree: Tree): readonly string[] {
  if (tree.kind === 'text') return [];
  if (tree.kind === 'list') return tree.items.flatMap(namesIn);
  return tree.entries.flatMap(([name, child]) => [name, ...namesIn(child)]);
}

/** The damaged file, or the whole one for a damage without changes; what may stand in for it is not looked at. */
export function damagedFile(
  model: MicroModel,
  { file, tree, repacked, bytes, prefix, data }: Omit<Damage, 'standIn'>,
): FileBytes {
  const weights = model.weights[file];
  const edited = tree.reduce(editTree, treeOf(weights?.header ?? model.json[file]));
  const packed = repacked === null ? undefined : repack(edited, repacked);
  const damaged = bytes.reduce<Uint8Array>(editBytes, Buffer.from(print(packed?.tree ?? edited)));
  if (weights === undefined) return { bytes: damaged, length: damaged.length };
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt.asUintN(64, BigInt(damaged.length) + BigInt(prefix)));
  const head = Buffer.concat([length, damaged]);
  // Files beyond this machine's limits cannot be written at all.
  const wanted = (packed?.dataBytes ?? weights.dataBytes) + (data ?? 0);
  const dataBytes = data === null ? 0 : Math.min(2 ** 40, Math.max(0, wanted));
  return { bytes: head, length: head.length + dataBytes };
}

function editTree(tree: Tree, edit: TreeEdit): Tree {
  const at = Math.floor(edit.at * size(tree));
  switch (edit.edit) {
    case 'replace':
      return changeAt(tree, at, () => ({ kind: 'text', text: edit.text }));
    case 'scale':
      return changeAt(tree, at, (value) => scaled(value, edit.by));
    case 'wrap':
      return changeAt(tree, at, (value) => ({ kind: 'list', items: [value] }));
    case 'reverse':
      return changeContainer(tree, edit.at, (value) =>
        value.kind === 'list' ? { kind: 'list', items: value.items.toReversed() } : value,
      );
    case 'swap':
      return swap(tree, at, Math.floor(edit.other * size(tree)));
    case 'rename':
      return changeEntry(tree, edit, ([, child]) => [[edit.to, child]]);
    case 'add':
      return changeEntry(tree, edit, (entry) => [entry, [edit.to, entry[1]]]);
    case 'delete':
      return changeEntry(tree, edit, () => []);
    case 'repeat':
      return changeEntry(tree, edit, (entry) => [entry, entry]);
  }
}

function scaled(value: Tree, by: number): Tree {
  const number = value.kind === 'text' ? Number(value.text) : Number.NaN;
  return Number.isNaN(number) ? value : { kind: 'text', text: String(number * by) };
}

type Entry = readonly [string, Tree];

/** The tree with one of its objects or lists changed: the outermost one more often than any other. */
function changeContainer(tree: Tree, at: number, change: (value: Tree) => Tree): Tree {
  const places = containers(tree);
  const place = at < OUTERMOST ? 0 : Math.floor(((at - OUTERMOST) / (1 - OUTERMOST)) * places.length);
  return places[place] === undefined ? tree : changeAt(tree, places[place], change);
}

function changeEntry(
  tree: Tree,
  { at, entry }: { readonly at: number; readonly entry: number },
  change: (entry: Entry) => readonly Entry[],
): Tree {
  return changeContainer(tree, at, (value) => {
    const entries = entriesOf(value);
    const chosen = Math.floor(entry * entries.length);
    const changed = entries.flatMap((one, index) => (index === chosen ? change(one) : [one]));
    if (value.kind === 'object') return { kind: 'object', entries: changed };
    return { kind: 'list', items: changed.map(([, item]) => item) };
  });
}

function entriesOf(value: Tree): readonly Entry[] {
  if (value.kind === 'object') return value.entries;
  return value.kind === 'list' ? value.items.map((item, index) => [String(index), item]) : [];
}

function swap(tree: Tree, one: number, other: number): Tree {
  const found: Tree[] = [];
  for (const at of [one, other]) {
    changeAt(tree, at, (value) => {
      found.push(value);
      return value;
    });
  }
  const [a, b] = found;
  if (a === undefined || b === undefined || a.kind !== b.kind) return tree;
  return changeAt(
    changeAt(tree, one, () => b),
    other,
    () => a,
  );
}

function editBytes(bytes: Uint8Array, edit: ByteEdit): Uint8Array {
  const at = Math.floor(edit.at * bytes.length);
  const before = bytes.subarray(0, at);
  switch (edit.edit) {
    case 'set':
      return Buffer.concat([before, Uint8Array.of(edit.value), bytes.subarray(at + 1)]);
    case 'insert':
      return Buffer.concat([before, Uint8Array.from(edit.bytes), bytes.subarray(at)]);
    case 'remove':
      return Buffer.concat([before, bytes.subarray(at + edit.length)]);
    case 'copy':
      return Buffer.concat([bytes.subarray(0, at + edit.length), bytes.subarray(at)]);
    case 'cut':
      return before;
  }
}
