import { describe, expect, it } from 'vitest';
import { resourceSchema } from './crd.ts';
import { schemaGaps } from './schema-gaps.ts';

const text = { type: 'string' };
const object = (properties: object) => ({ type: 'object', properties });

describe('fields of a schema that another one does not know', () => {
  it.each([
    ['a field', object({ a: text, b: text }), object({ a: text }), ['b']],
    ['a field of a field', object({ a: object({ b: text }) }), object({ a: object({}) }), ['a.b']],
    ['a whole object, told once', object({ a: object({ b: text, c: text }) }), object({}), ['a']],
    [
      'a field of what a list holds',
      object({ a: { type: 'array', items: object({ b: text }) } }),
      object({ a: { type: 'array', items: object({}) } }),
      ['a[].b'],
    ],
    [
      'a field of what a map holds',
      object({ a: { type: 'object', additionalProperties: object({ b: text }) } }),
      object({ a: { type: 'object', additionalProperties: object({}) } }),
      ['a[*].b'],
    ],
    [
      'nothing, where the other takes anything',
      object({ a: text }),
      { 'x-kubernetes-preserve-unknown-fields': true },
      [],
    ],
    ['a value', object({ a: { enum: ['x', 'y'] } }), object({ a: { enum: ['x'] } }), ['a=y']],
    ['no value, where the other allows any', object({ a: { enum: ['x'] } }), object({ a: text }), []],
    ['nothing, where only the other has more', object({ a: text }), object({ a: text, b: text }), []],
    ['everything, where the other is no schema', object({ a: text, b: text }), 'none', ['a', 'b']],
  ])('%s', (_what, wanted, served, expected) => {
    expect(schemaGaps(wanted, served)).toEqual(expected);
  });

  it('are none between the resource and itself', () => {
    expect(schemaGaps(resourceSchema(), structuredClone(resourceSchema()))).toEqual([]);
  });
});
