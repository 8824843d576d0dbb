import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTensors } from './read-tensors.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import { safetensorsBytes } from './write-tensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file with this header text (or bytes) and so many bytes of data. */
function file(name: string, header: string | Uint8Array, dataBytes = 0): string {
  const path = join(folder, name);
  const body = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(body.byteLength));
  writeFileSync(path, Buffer.concat([length, body, Buffer.alloc(dataBytes)]));
  return path;
}

const entry = (dtype: string, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });

test('what is written is read back, numbers, names and metadata', () => {
  const path = join(folder, 'round.safetensors');
  const tensors = new Map([
    ['α', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 1e-40, Infinity, 0) }],
    ['__proto__', { shape: [], data: Float32Array.of(7) }],
    ['empty', { shape: [0, 4], data: new Float32Array(0) }],
  ]);
  writeFileSync(path, safetensorsBytes(tensors, { note: 'é' }));
  const read = readTensors(path);
  expect(read.names).toEqual(['α', '__proto__', 'empty']);
  expect(read.metadata).toEqual({ note: 'é' });
  expect(new Map(read.names.map((name) => [name, read.f32(name)]))).toEqual(tensors);
  expect((readSafetensorsHeader(path).tensors.get('α')?.offset ?? 1) % 8).toBe(0);
});

test('half floats and integers become numbers', () => {
  const header = {
    half: entry('F16', [2], [0, 4]),
    brain: entry('BF16', [2], [4, 8]),
    long: entry('I64', [1], [8, 16]),
  };
  const path = file('types.safetensors', JSON.stringify(header));
  const data = Buffer.alloc(16);
  data.writeUInt16LE(0x3c00, 0);
  data.writeUInt16LE(0xc000, 2);
  data.writeUInt16LE(0x3f80, 4);
  data.writeUInt16LE(0xc000, 6);
  data.writeBigInt64LE(-5n, 8);
  writeFileSync(path, data, { flag: 'a' });
  const read = readTensors(path);
  expect([[...read.f32('half').data], [...read.f32('brain').data], read.integers('long').data]).toEqual([
    [1, -2],
    [1, -2],
    [-5],
  ]);
});

test('numbers are stored rounded to the type, halves to even', () => {
  const numbers = [
    1,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    65_520,
    -1e-8,
    Number.NaN,
    Infinity,
    1 + 2 ** -8,
    1 + 3 * 2 ** -8,
  ];
  const tensors = new Map([['a', { shape: [numbers.length], data: Float32Array.from(numbers) }]]);
  const stored = (['F16', 'BF16'] as const).map((dtype) => {
    const path = join(folder, `${dtype}.safetensors`);
    writeFileSync(path, safetensorsBytes(tensors, {}, dtype));
    return [...readTensors(path).f32('a').data];
  });
  expect(stored).toEqual([
    [1, 1, 1 + 2 ** -9, Infinity, -0, Number.NaN, Infinity, 1 + 2 ** -8, 1 + 3 * 2 ** -8],
    [1, 1, 1, 65_536, Math.fround(-1.0011717677116394e-8), Number.NaN, Infinity, 1, 1 + 2 ** -6],
  ]);
});

const DAMAGED = [
  { name: 'an empty file', bytes: '', message: /truncated: has 0 bytes, needs 8;/ },
  { name: 'a cut prefix', bytes: 'abc', message: /truncated: has 3 bytes, needs 8;/ },
  { name: 'a header longer than the file', bytes: [9, 0, 0, 0, 0, 0, 0, 0, 123], message: /has 9 bytes, needs 17;/ },
  {
    name: 'an absurd header length',
    bytes: Array(8).fill(255),
    message: /its length is 18446744073709551615, the limit/,
  },
] as const;

test.each(DAMAGED)('$name is refused', ({ name, bytes, message }) => {
  const path = join(folder, name);
  writeFileSync(path, typeof bytes === 'string' ? bytes : Uint8Array.from(bytes));
  expect(() => readSafetensorsHeader(path, 'w.safetensors')).toThrow(message);
});

const HEADERS: readonly { name: string; header: unknown; data?: number; message: RegExp }[] = [
  { name: 'not JSON', header: '{"a"', message: /damaged safetensors header: it is not JSON/ },
  { name: 'an array', header: '[]', message: /it is not a JSON object/ },
  { name: 'null', header: 'null', message: /it is not a JSON object/ },
  { name: 'bytes that are not UTF-8', header: Uint8Array.of(0x7b, 0xff, 0x7d), message: /it is not UTF-8 text/ },
  { name: 'a name given twice', header: '{"a":{},"a":{}}', message: /the name "a" is given twice/ },
  {
    name: 'a field given twice',
    header: '{"a":{"dtype":"F32","\\u0064type":"F16"}}',
    message: /"dtype" is given twice/,
  },
  { name: 'an entry that is no object', header: { a: 3 }, message: /tensor "a": has no dtype/ },
  { name: 'an inherited field', header: '{"a":{"__proto__":{"dtype":"F32"}}}', message: /tensor "a": has no dtype/ },
  { name: 'an unknown type', header: { a: entry('F9', [1], [0, 1]) }, message: /dtype "F9" is not known/ },
  {
    name: 'a type that objects inherit',
    header: { a: entry('toString', [], [0, 0]) },
    message: /"toString" is not known/,
  },
  {
    name: 'a negative length',
    header: { a: entry('F32', [-1], [0, 4]) },
    message: /its shape is not a list of lengths/,
  },
  { name: 'a fractional length', header: { a: entry('F32', [1.5], [0, 6]) }, message: /its shape is not a list/ },
  { name: 'a shape that is text', header: { a: entry('F32', '1', [0, 4]) }, message: /its shape is not a list/ },
  { name: 'too many axes', header: { a: entry('F32', Array(17).fill(1), [0, 4]) }, message: /its shape is not a list/ },
  { name: 'one offset', header: { a: entry('F32', [1], [0]) }, message: /data_offsets are not two byte positions/ },
  {
    name: 'offsets the wrong way round',
    header: { a: entry('F32', [0], [8, 4]) },
    message: /ends at byte 4, before its/,
  },
  {
    name: 'an offset beyond integers',
    header: '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e300]}}',
    message: /two byte/,
  },
  {
    name: 'fewer bytes than the shape asks for',
    header: { a: entry('F32', [2], [0, 4]) },
    data: 4,
    message: /F32 \[2\] needs 8 bytes, found 4/,
  },
  {
    name: 'a product beyond integers',
    header: { a: entry('F32', [2 ** 31, 2 ** 31, 4], [0, 0]) },
    message: /needs 73786976294838206464 bytes, found 0/,
  },
  {
    name: 'overlapping tensors',
    header: { a: entry('U8', [4], [0, 4]), b: entry('U8', [4], [2, 6]) },
    data: 6,
    message: /"b" overlaps/,
  },
  {
    name: 'a gap',
    header: { a: entry('U8', [1], [0, 1]), b: entry('U8', [1], [3, 4]) },
    data: 4,
    message: /2 bytes before tensor "b"/,
  },
  {
    name: 'bytes at the end',
    header: { a: entry('U8', [1], [0, 1]) },
    data: 3,
    message: /2 bytes at the end belong to no tensor/,
  },
  {
    name: 'metadata that is no object',
    header: { __metadata__: [] },
    message: /__metadata__ is not an object of texts/,
  },
  {
    name: 'metadata of numbers',
    header: { __metadata__: { a: 1 } },
    message: /__metadata__ is not an object of texts/,
  },
];

test.each(HEADERS)('a header with $name is refused', ({ name, header, data = 0, message }) => {
  const text = typeof header === 'string' || header instanceof Uint8Array ? header : JSON.stringify(header);
  expect(() => readSafetensorsHeader(file(name.replaceAll(' ', '-'), text, data), 'w.safetensors')).toThrow(
    expect.objectContaining({ code: 'E_WEIGHTS_HEADER', message: expect.stringMatching(message) }),
  );
});

test('a very long text in a header is read like any other', () => {
  const long = '"\\'.repeat(8_000_000);
  const header = JSON.stringify({ __metadata__: { long }, a: entry('U8', [1], [0, 1]) });
  expect(readSafetensorsHeader(file('long.safetensors', header, 1)).metadata.long?.length).toBe(long.length);
});

test('missing data is named with the bytes there and the bytes needed', () => {
  const path = file('cut.safetensors', JSON.stringify({ a: entry('F32', [100], [0, 400]) }), 300);
  const header = JSON.stringify({ a: entry('F32', [100], [0, 400]) }).length;
  expect(() => readSafetensorsHeader(path, 'w.safetensors')).toThrow(
    expect.objectContaining({
      code: 'E_WEIGHTS_TRUNCATED',
      message: `w.safetensors: truncated: has ${8 + header + 300} bytes, needs ${8 + header + 400}; copy or download the file again`,
    }),
  );
});

test('a folder, a missing file and a missing tensor are named', () => {
  mkdirSync(join(folder, 'd.safetensors'));
  expect(() => readSafetensorsHeader(join(folder, 'd.safetensors'), 'd')).toThrow('d: is a folder, not a regular file');
  expect(() => readSafetensorsHeader(join(folder, 'none'), 'none')).toThrow('none: the file is missing');
  const path = file('one.safetensors', JSON.stringify({ a: entry('F32', [1], [0, 4]) }), 4);
  expect(() => readTensors(path).f32('b')).toThrow(`${path}: has no tensor "b", only: a`);
  expect(() => readTensors(path).integers('a')).toThrow(`${path}: tensor "a" is F32, wanted an integer type`);
});
