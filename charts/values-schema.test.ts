import { describe, expect, it } from 'vitest';
import { type JsonSchema, plainSchema } from './values-schema.ts';

describe('plainSchema', () => {
  it.each<[string, JsonSchema, JsonSchema]>([
    [
      'closes an object, also within others, and leaves out what the API server fills in',
      {
        type: 'object',
        default: {},
        properties: { a: { type: 'array', items: { type: 'object', properties: { default: { type: 'string' } } } } },
      },
      {
        type: 'object',
        additionalProperties: false,
        properties: {
          a: {
            type: 'array',
            items: { type: 'object', additionalProperties: false, properties: { default: { type: 'string' } } },
          },
        },
      },
    ],
    [
      'says what takes numbers and texts',
      { type: 'object', additionalProperties: { 'x-kubernetes-int-or-string': true, maxLength: 32 } },
      { type: 'object', additionalProperties: { type: ['integer', 'string'], maxLength: 32 } },
    ],
    [
      'forbids the keys that a rule forbids, and leaves other rules to the API server',
      {
        type: 'object',
        'x-kubernetes-validations': [
          { rule: "!self.exists(key, key == 'a.b/gpu' || key.startsWith('a.b/mig-'))", message: 'no' },
          { rule: "!self.exists(key, key == 'c' && self[key] == 1)", message: 'no' },
          { rule: 'self.a < self.b', message: 'no' },
        ],
      },
      { type: 'object', patternProperties: { '^(a[.]b/gpu$|a[.]b/mig-)': false } },
    ],
  ])('%s', (_what, schema, plain) => {
    expect(plainSchema(schema)).toEqual(plain);
  });
});
