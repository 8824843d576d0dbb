import { readFileSync } from 'node:fs';
import { defineErrors } from '#contract/error.ts';
import { withoutNulls } from '#contract/nulls.ts';
import { listed, problemsOf } from '#contract/problems.ts';
import { type RunnerFields, runnerSchema } from '#contract/runner-fields.ts';
import { unknownFields } from '#contract/unknown-fields.ts';
import { yamlValue } from './kube/yaml-text.ts';

export const runnerDefaultsError = defineErrors({
  E_RUNNER_DEFAULTS_READ: {
    message: 'the file of --runner-defaults cannot be read: {detail}: mount it, or correct the path',
    fixer: 'administrator',
    exit: 'usage',
  },
  E_RUNNER_DEFAULTS_FIELDS: {
    message: '{file} does not fit: {problems}; its fields are those of spec.runner (kubectl explain vg.spec.runner)',
    fixer: 'administrator',
    exit: 'usage',
  },
});

/**
 * The administrators' defaults for `spec.runner` from a YAML file, checked by the schema of the resource; a field that is null
 * counts as not given, as at the API server. Throws `E_RUNNER_DEFAULTS_READ` or `E_RUNNER_DEFAULTS_FIELDS`.
 */
export function readRunnerDefaults(file: string): RunnerFields {
  const given = yamlOf(textOf(file), file) ?? {};
  const fields = withoutNulls(given, runnerSchema);
  const parsed = runnerSchema.safeParse(fields);
  const problems = [
    ...unknownFields(given, runnerSchema, ''),
    ...(parsed.success ? [] : problemsOf(parsed.error, fields, runnerSchema).map((text) => text.replace(/^: /, ''))),
  ];
  if (parsed.success && problems.length === 0) return parsed.data;
  throw runnerDefaultsError('E_RUNNER_DEFAULTS_FIELDS', { file, problems: listed(problems) });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw runnerDefaultsError('E_RUNNER_DEFAULTS_READ', { detail: (error as Error).message }, error);
  }
}

function yamlOf(text: string, file: string): unknown {
  try {
    return yamlValue(text);
  } catch (error) {
    throw runnerDefaultsError('E_RUNNER_DEFAULTS_FIELDS', { file, problems: (error as Error).message }, error);
  }
}
