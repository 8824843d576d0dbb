import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cpuDevices } from '../ort/device.ts';
import { openModel } from '../weights/open-model.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { safetensorsBytes } from '../weights/write-tensors.ts';
import { encodePrompts } from './encode.ts';
import type { EncodeOptions, TextModel } from './encode-texts.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden/data/tiny-wan');
const root = mkdtempSync(join(tmpdir(), 'dualparal-texts-'));
afterAll(() => rmSync(root, { recursive: true }));

const [device] = cpuDevices(1);
const plain: EncodeOptions = { maxSequenceLength: 64, device: device! };
let folders = 0;
const withCache = (): EncodeOptions & { cacheFolder: string } => ({
  ...plain,
  cacheFolder: join(root, `${folders++}`),
});

function textModel(folder: string): TextModel {
  const { config, text, tokenizerFolder } = openModel(folder);
  return { config: config.text, weights: text, tokenizerFolder };
}

const model = textModel(GOLDEN);
const encode = (texts: readonly string[], options: EncodeOptions, of = model) =>
  encodePrompts(
    of,
    texts.map((text) => ({ name: 'prompt', text })),
    options,
  );
const filesOf = (folder: string) => readdirSync(folder).sort();

/** A file's only path in a cache of one text. */
function onlyFile(folder: string): string {
  const [name, ...others] = filesOf(folder);
  expect(others).toEqual([]);
  return join(folder, name!);
}

describe('embeddings that are kept', () => {
  it('are those of the encoder, bit for bit, one file for each text', async () => {
    const options = withCache();
    const texts = ['a red circle', '', 'a blue square', 'a  red&nbsp;circle'];
    const fresh = await encode(texts, plain);
    expect(await encode(texts, options)).toEqual(fresh);
    expect(filesOf(options.cacheFolder)).toHaveLength(3);
    expect(await encode(texts, options)).toEqual(fresh);
  });

  it('are read from the file, not made again', async () => {
    const options = withCache();
    await encode(['a red circle'], options);
    const file = onlyFile(options.cacheFolder);
    const { metadata, f32 } = readTensors(file);
    const { shape, data } = f32('embedding');
    const planted = { shape, data: data.map((value) => -value) };
    const sha256 = createHash('sha256').update(new Uint8Array(planted.data.buffer)).digest('hex');
    writeFileSync(file, safetensorsBytes(new Map([['embedding', planted]]), { key: metadata.key!, sha256 }));
    const { embeddings, warnings } = await encode(['a red circle'], options);
    expect({ embeddings, warnings }).toEqual({ embeddings: [planted], warnings: [] });
  });

  it.each<{ what: string; change: Partial<EncodeOptions> }>([
    { what: 'another length', change: { maxSequenceLength: 32 } },
    { what: 'another number format', change: { dtype: 'F16' } },
  ])('are others for $what', async ({ change }) => {
    const options = withCache();
    await encode(['a red circle'], options);
    await encode(['a red circle'], { ...options, ...change });
    expect(filesOf(options.cacheFolder)).toHaveLength(2);
  });

  it('are others for weights that differ, at equal sizes and times', async () => {
    const options = withCache();
    const other = join(root, 'other-model');
    cpSync(GOLDEN, other, { recursive: true, preserveTimestamps: true });
    const file = join(other, 'text_encoder/model.safetensors');
    const bytes = readFileSync(file);
    bytes[bytes.byteLength - 2]! ^= 1;
    writeFileSync(file, bytes);
    await encode(['a red circle'], options);
    await encode(['a red circle'], options, textModel(other));
    expect(filesOf(options.cacheFolder)).toHaveLength(2);
  });
});

describe('a cache that cannot be trusted', () => {
  const damages: readonly { what: string; reason: RegExp; damage: (file: string) => void }[] = [
    { what: 'is cut', reason: /bytes/, damage: (file) => truncateSync(file, statSync(file).size - 8) },
    { what: 'is empty', reason: /./, damage: (file) => truncateSync(file, 0) },
    { what: 'has other numbers', reason: /numbers have changed/, damage: (file) => flip(file, -5) },
    { what: 'is under the name of another text', reason: /another text or model/, damage: (file) => swapKey(file) },
  ];

  it.each(damages)('is encoded again, with a warning, when a file $what', async ({ reason, damage }) => {
    const options = withCache();
    const fresh = await encode(['a red circle'], options);
    const file = onlyFile(options.cacheFolder);
    const good = readFileSync(file);
    damage(file);
    const again = await encode(['a red circle'], options);
    expect(again.embeddings).toEqual(fresh.embeddings);
    expect(again.warnings).toEqual([
      expect.stringMatching(/^text cache: .* cannot be used: .*; its text is encoded again$/),
    ]);
    expect(again.warnings[0]).toMatch(reason);
    expect(readFileSync(file).equals(good)).toBe(true);
    expect((await encode(['a red circle'], options)).warnings).toEqual([]);
  });

  it('loses what a run was killed over long ago, and nothing that somebody may be at', async () => {
    const options = withCache();
    mkdirSync(options.cacheFolder);
    const old = ['.unfinished-0123456789abcdef', '.unfinished-0123456789abcdef-0123456789abcdef', '.unfinished-mine'];
    const young = '.unfinished-fedcba9876543210';
    for (const name of [...old, young]) writeFileSync(join(options.cacheFolder, name), '');
    for (const name of old) utimesSync(join(options.cacheFolder, name), 0, 0);
    await encode(['a red circle'], options);
    const left = filesOf(options.cacheFolder).filter((name) => name.startsWith('.'));
    expect(left).toEqual([...old.slice(1), young].sort());
  });

  it('costs a warning and no film when its folder cannot be written', async () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    const { embeddings, warnings } = await encode(['a red circle'], { ...plain, cacheFolder: file });
    expect(embeddings).toEqual((await encode(['a red circle'], plain)).embeddings);
    expect(warnings).toEqual([expect.stringMatching(/^text cache: cannot write to .*a-file: E/)]);
    expect(readdirSync(root)).not.toContainEqual(expect.stringContaining('unfinished'));
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[bytes.byteLength + at]! ^= 1;
  writeFileSync(file, bytes);
}

/** The key in the file is changed to that of no text, as if the file had been renamed. */
function swapKey(file: string): void {
  const text = readFileSync(file).toString('latin1');
  const changed = text.replace(/"key":"(.)/, (_, digit: string) => `"key":"${digit === '0' ? '1' : '0'}`);
  writeFileSync(file, Buffer.from(changed, 'latin1'));
}
