import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openNoisePool } from '../../../runner/diffusion/noise-pool.ts';
import type { Pipeline } from '../../../runner/pipeline/driver.ts';
import type { F32Tensor } from '../../../runner/tensor.ts';
import { readModelConfig } from '../../../runner/weights/open-model.ts';
import { readTensors, type TensorFile } from '../../../runner/weights/read-tensors.ts';
import { type Comparison, comparison, type GroupCheck } from '../compare.ts';
import { caseInput, type GoldenCase, runToEnd, setting } from '../run-case.ts';

/** Stages of the run, if there are so many layers; other numbers give the same bits, which `test/same-bits` holds. */
const STAGES = 2;

/** A case of the folder `dualparal/`, from its tensors and metadata. */
export function readCase(folder: string, file: TensorFile): GoldenCase {
  const blockLatents = setting<number>(file, 'block_latents');
  const permutations = file.has('permutations') ? file.integers('permutations').data : [];
  return {
    folder,
    experts: setting(file, 'experts'),
    steps: setting(file, 'steps'),
    guidance: [setting<number | readonly number[]>(file, 'guidance')].flat() as number[],
    flowShift: setting(file, 'flow_shift'),
    blockLatents,
    contextLatents: setting(file, 'context_latents'),
    stride: file.metadata.stride === undefined ? 1 : setting(file, 'stride'),
    leftContext: file.metadata.left_context === undefined ? 'recompute' : setting(file, 'left_context'),
    guidanceInterval: file.metadata.guidance_interval === undefined ? null : setting(file, 'guidance_interval'),
    latents: file.f32('latents').shape[2]!,
    pool: file.f32('pool'),
    orders: Array.from({ length: permutations.length / blockLatents }, (_, index) =>
      permutations.slice(index * blockLatents, (index + 1) * blockLatents),
    ),
  };
}

async function compareCase(folder: string, name: string): Promise<readonly Comparison[]> {
  const file = readTensors(join(folder, `${name}.safetensors`));
  const { layers } = readModelConfig(join(folder, 'tiny-wan')).transformer;
  const { plan, ...input } = caseInput(readCase(folder, file), Math.min(STAGES, layers));
  const traced = file.names.filter((tensor) => tensor.startsWith('iteration.'));
  const rightContext = setting<string>(file, 'boundary_policy') === 'any' ? 'any-expert' : 'same-expert';
  let steps: readonly (readonly [F32Tensor, F32Tensor])[] = [];
  const readTrace = (pipeline: Pipeline) => {
    steps = traced.map((tensor) => {
      const [, iteration, , block] = tensor.split('.').map(Number);
      return [pipeline.latentsAfter(iteration!, block!), file.f32(tensor)] as const;
    });
  };
  const sampling = { ...plan.sampling, rightContext } as const;
  const options = { trace: traced.length > 0 };
  const latents = await runToEnd({ ...input, plan: { ...plan, sampling }, options }, readTrace);
  return [
    comparison(`${name} noise`, noisePairs(file, plan.blocks, input.noise)),
    ...(traced.length > 0 ? [comparison(`${name} iterations`, steps)] : []),
    comparison(`${name} latents`, [[latents, file.f32('latents')]]),
  ];
}

function noisePairs(file: TensorFile, blocks: number, noise: Parameters<typeof openNoisePool>[0]) {
  const pool = openNoisePool(noise);
  return Array.from({ length: blocks }, (_, block) => {
    const wanted = file.f32(`noise.${block}`);
    const ours = new Float32Array(wanted.data.length);
    pool.next(ours);
    return [{ shape: wanted.shape, data: ours }, wanted] as const;
  });
}

/** Every run of the folder `dualparal/`, whatever its name. A folder without any is a missing group. */
export function dualparalChecks(folder: string): readonly GroupCheck[] {
  const place = join(folder, 'dualparal');
  const found = existsSync(place) ? readdirSync(place) : [];
  const names = found
    .filter((file) => file.endsWith('.safetensors') && file !== 'block-step.safetensors')
    .map((file) => `dualparal/${file.replace(/\.safetensors$/, '')}`)
    .sort();
  const checks = names.map((name) => ({
    name,
    files: [`${name}.safetensors`, 'text.safetensors', 'tiny-wan/model_index.json'],
    run: (at: string) => compareCase(at, name),
  }));
  const runs = names.length > 0 ? checks : [mustBeThere('dualparal', ['dualparal/*.safetensors'])];
  return [
    ...runs,
    mustBeThere('two-experts', ['two-experts/model_index.json', 'two-experts/transformer_2/config.json']),
  ];
}

/** A group without numbers of its own: the runs above read it, and its absence is a failure even where none does. */
function mustBeThere(name: string, files: readonly string[]): GroupCheck {
  return { name, files, run: () => [] };
}
