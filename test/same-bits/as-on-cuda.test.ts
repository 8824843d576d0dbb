import { expect, test } from 'vitest';
import type { PipelineInput } from '../../runner/pipeline/driver.ts';
import { runToEnd } from '../golden/run-case.ts';
import { fingerprint } from './fingerprint.ts';
import { modelInput, type RunNumbers, tinyModel } from './inputs.ts';

// What CUDA's stages do (their graphs, slots and states in their own memory, steps by a graph), with real numbers on the CPU.

const options = { asOnCuda: true, stageWorker: new URL('./copying-stage-worker.ts', import.meta.url), trace: true };
const NUMBERS = { steps: 5, frames: 101, blockLatents: 4, contextLatents: 2 } as const;

const filmOf = (numbers: RunNumbers, more: Partial<PipelineInput> = {}) =>
  runToEnd({ ...modelInput(tinyModel(), numbers), ...more });

test.skipIf(process.platform !== 'linux').each([
  { what: "the paper's schedule", numbers: {} },
  { what: 'a stride', numbers: { stride: 2 } },
  { what: 'guidance in some steps', numbers: { guidanceInterval: { low: 0.3, high: 0.9 } } },
  { what: 'left context used again', numbers: { leftContext: 'reuse' } as const },
  {
    what: 'the same, a longer one and a stride',
    numbers: { leftContext: 'reuse', contextLatents: 4, stride: 2 } as const,
  },
  {
    what: 'the same, guidance in some steps',
    numbers: { leftContext: 'reuse', guidanceInterval: { low: 0.3, high: 0.9 } } as const,
  },
])(
  'numbers kept as on CUDA make the same film but for rounding, on any number of stages: $what',
  async ({ numbers }) => {
    const wanted = await filmOf({ ...NUMBERS, ...numbers, stages: 1 });
    const films = [];
    for (const stages of [1, 2, 4]) films.push(await filmOf({ ...NUMBERS, ...numbers, stages }, { options }));
    films.push(await filmOf({ ...NUMBERS, ...numbers, stages: 4, guidanceParallel: true }, { options }));
    const off = films[0]!.data.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted.data[at]!)), 0);
    expect(off).toBeLessThan(1e-4);
    expect(new Set(films.map(fingerprint)).size).toBe(1);
  },
);
