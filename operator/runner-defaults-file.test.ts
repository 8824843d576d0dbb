import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRunnerDefaults } from './runner-defaults-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-defaults-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  const file = join(folder, 'defaults.yaml');
  writeFileSync(file, text);
  return readRunnerDefaults(file);
}

describe('readRunnerDefaults', () => {
  it.each([
    ['an empty file', '', {}],
    ['a comment alone', '# nothing yet\n', {}],
    ['an empty map', '{}', {}],
    ['fields without values', 'nodeSelector:\nimage: null\n', {}],
    [
      'YAML',
      'nodeSelector: {pool: gpu}\nresources:\n  requests: {cpu: 4, memory: 8Gi}\n',
      { nodeSelector: { pool: 'gpu' }, resources: { requests: { cpu: '4', memory: '8Gi' } } },
    ],
    ['JSON', '{"priorityClassName": "batch"}', { priorityClassName: 'batch' }],
  ])('reads %s', (_what, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    [
      'a field that does not exist',
      'nodeSelectors: {a: b}',
      'nodeSelectors: unknown field, did you mean nodeSelector?',
    ],
    [
      'a field below that does not exist',
      'tolerations: [{keys: a}]',
      'tolerations[0].keys: unknown field, did you mean',
    ],
    [
      'a label that is a number',
      'nodeSelector: {gpus: 8}',
      'nodeSelector.gpus: must be a text, found 8: put it in quotes',
    ],
    ['GPUs in two places', 'resources: {limits: {nvidia.com/gpu: 1}}', 'spec.parallelism.gpus says how many'],
    ['a list', '[a]', 'must be a map of fields'],
    ['a text', 'runner', 'must be a map of fields'],
    ['what is no YAML', 'a: [', 'unexpected end'],
    ['a field given twice', 'image: a\nimage: b\n', 'duplicated mapping key'],
  ])('refuses %s by name', (_what, text, problem) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'E_RUNNER_DEFAULTS_FIELDS', message: expect.stringContaining(problem) }),
    );
  });

  it('names a file that cannot be read', () => {
    expect(() => readRunnerDefaults(join(folder, 'missing.yaml'))).toThrow(
      expect.objectContaining({
        code: 'E_RUNNER_DEFAULTS_READ',
        message: expect.stringMatching(/missing\.yaml.*mount it/),
      }),
    );
  });
});
