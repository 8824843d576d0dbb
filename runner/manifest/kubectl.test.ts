import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDocuments } from './documents.ts';

const HEAD = 'apiVersion: dualparal.io/v1alpha1\nkind: VideoGeneration\nmetadata: {name: x}\n';

/** Fields below the head, and what `kubectl label --local -o json` (1.36) makes of them. */
const READINGS: readonly (readonly [string, unknown])[] = readFileSync(
  join(import.meta.dirname, 'kubectl-readings.jsonl'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

function reading(fields: string): unknown {
  try {
    const [object] = readDocuments(HEAD + fields, 'film.yaml');
    const { apiVersion: _a, kind: _k, metadata: _m, ...rest } = object as Readonly<Record<string, unknown>>;
    return JSON.parse(JSON.stringify(rest, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
  } catch (error) {
    expect(String(error)).toMatch(/not readable as YAML/);
    return 'refused';
  }
}

describe('a document is read as kubectl 1.36 reads it:', () => {
  it.each(READINGS)('%j', (fields, expected) => {
    expect(reading(fields)).toEqual(expected);
  });
});

/** Tags, anchors and line breaks that nobody writes on purpose. */
const STRICTER = [
  'x: &x {p: 1}\na: {!<!> <<: *x}\n',
  'a: &x:y 1\n',
  'x: &x 1\na: {*x: 1}\n',
  'x: &x 1\n*x: 2\n',
  'a: "x\u2028\ny"\n',
  'a: "x\n\u2028y"\n',
  'a: "x\\\u2028y"\n',
  'a: |\n  x\u2028  y\n',
  '# x\u2028y: 1\na: 1\n',
  'a: {b: 1,\u2028c: 2}\n',
];

it.each(STRICTER)('kubectl reads %j, which is refused here', (fields) => {
  expect(reading(fields)).toBe('refused');
});

const FILM = `${HEAD}spec:\n  prompt: a\n  model: {ref: tiny}\n  length: {frames: 81}\n`;

it.each([
  ['a key of 1025 characters', `${'k'.repeat(1025)}: 1\n`, 'refused'],
  ['a key of 1025 characters in braces', `a: {${'k'.repeat(1025)}: 1}\n`, 'refused'],
  ['a key of 1000 characters', `${'k'.repeat(1000)}: 1\n`, { [`${'k'.repeat(1000)}`]: 1 }],
])('%s, as kubectl reads it', (_what, fields, expected) => {
  expect(reading(fields)).toEqual(expected);
});

describe('a text that is made to hang the reader is answered in a moment:', () => {
  it.each([
    ['escaped quotes without end', `{${'"a\\'.repeat(50_000)}`, /not readable as YAML/],
    ['brackets without end', '['.repeat(200_000), /:1:201: not readable as YAML: nested too deeply/],
    ['dashes without end', '- '.repeat(200_000), /nested too deeply/],
    ['JSON without end', '{"a":'.repeat(200_000), /nested too deeply/],
    ['brackets that are closed', `${'['.repeat(850)}${']'.repeat(850)}`, /nested too deeply/],
    ['commas only', `x: [${','.repeat(1_000_000)}`, /not readable as YAML/],
    ['errors only', 'x: }\n'.repeat(250_000), /film\.yaml:1:4: not readable as YAML: Unexpected flow-map-end/],
    ['more words than a film has', `${FILM}${'# x\n'.repeat(300_000)}`, /more than 250000 words and marks/],
    ['more documents than anybody applies', 'a: 1\n---\n'.repeat(20_000), /more than 10000 documents/],
  ])(
    '%s',
    (_what, text, expected) => {
      expect(() => readDocuments(text, 'film.yaml')).toThrow(expected);
    },
    20_000,
  );

  it('comments before a film, however many, are passed over', () => {
    expect(readDocuments(`${'#\n'.repeat(600_000)}${FILM}`, 'film.yaml')).toHaveLength(1);
  }, 20_000);
});

it('places in messages are those of the file, also after comments and lines that are not indented', () => {
  const text = `# a\n\n${HEAD}spec:\n  prompt: "a\nb"\n  size: {width: 1,\n}\n  x: }\n`;
  expect(() => readDocuments(text, 'film.yaml')).toThrow(/^film\.yaml:11:6: /);
});
