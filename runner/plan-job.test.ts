import { expect, test } from 'vitest';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { tinyModel } from '../test/same-bits/inputs.ts';
import { cpuDevices, type Device } from './ort/device.ts';
import type { PipelineModel } from './pipeline/stage-task.ts';
import { planModel } from './plan-job.ts';
import type { FloatType } from './tensor.ts';

const GPUS: readonly Device[] = [0, 1].map((index) => ({
  ...{ kind: 'cuda', index, name: `cuda:${index}`, capability: 9 },
  memoryBytes: 80 * 2 ** 30,
}));

const spec = (precision?: string, gpus = 2) =>
  jobSpecSchema.parse({
    ...{ name: 'film', prompt: 'a harbour', frames: 61, size: { width: 64, height: 48 } },
    model: { ref: 'tiny', folder: '/models/tiny' },
    sampling: { steps: 4, precision },
    parallelism: { gpus },
    output: { folder: '/films' },
  });

/** The tiny model as if its matrices were stored in a type. */
function storedIn(dtype: FloatType): PipelineModel {
  const model = tinyModel();
  const entries = [...model.transformer.tensors].map(([name, entry]) => {
    return [name, { ...entry, dtype: name.includes('norm') ? ('F32' as const) : dtype }] as const;
  });
  return { ...model, transformer: { ...model.transformer, tensors: new Map(entries) } };
}

test.each([
  { precision: undefined, stored: 'BF16', devices: GPUS, found: 'bfloat16' },
  { precision: undefined, stored: 'F16', devices: GPUS, found: 'float16' },
  { precision: undefined, stored: 'F32', devices: GPUS, found: 'float32' },
  { precision: undefined, stored: 'BF16', devices: cpuDevices(2), found: 'float32' },
  { precision: 'float16', stored: 'BF16', devices: GPUS, found: 'float16' },
] as const)(
  'precision $precision for a model stored in $stored on $devices.0.name plans $found',
  ({ precision, stored, devices, found }) => {
    const { precision: planned } = planModel(spec(precision), storedIn(stored), devices);
    expect(planned).toEqual({ sampling: found, decoding: 'float32' });
  },
);

test('hidden states and caches of a film in half precision take half of the memory', () => {
  const [full, half] = (['float32', 'bfloat16'] as const).map((precision) => {
    return planModel(spec(precision, 1), tinyModel(), GPUS).stages[0]!.memory;
  });
  expect(half!.hidden).toBe(full!.hidden / 2);
  expect(half!.featureCache).toBe(full!.featureCache / 2);
  expect(half!.prompt).toBe(full!.prompt / 2);
});
