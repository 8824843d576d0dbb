import { jobSpecSchema } from '#contract/job-spec.ts';
import { seededNoise } from '../../runner/diffusion/noise-pool.ts';
import { planMemory } from '../../runner/memory-plan.ts';
import { noiseShapeOf } from '../../runner/noise.ts';
import type { Device } from '../../runner/ort/device.ts';
import { openPipeline } from '../../runner/pipeline/driver.ts';
import { bytesOfStage } from '../../runner/plan/film-memory.ts';
import { planModel } from '../../runner/plan-job.ts';
import { zeros } from '../../runner/tensor.ts';
import { openModel } from '../../runner/weights/open-model.ts';

/** A process of its own: denoises a film of `model` on as many devices as said, and prints what each should hold by the plan, in bytes. */
const [folder, stages, pixels, leftContext] = process.argv.slice(2) as [string, string, string, string];
const model = openModel(folder);
const spec = jobSpecSchema.parse({
  name: 'film',
  prompt: 'a lighthouse',
  frames: 33,
  size: { width: Number(pixels), height: Number(pixels) },
  model: { ref: 'model', folder },
  sampling: { steps: 2, guidanceScale: 5 },
  parallelism: { gpus: Number(stages), blockLatents: 3, contextLatents: 2, leftContext },
  output: { folder: '/nowhere' },
});
const devices = Array.from({ length: Number(stages) }, (_, index): Device => {
  return { kind: 'cuda', index, name: `cuda:${index}` };
});
const plan = planModel(spec, model, devices);
const prompt = zeros([1, plan.sampling.textTokens, model.config.transformer.textWidth]);
const noise = seededNoise(1, noiseShapeOf(plan));
const pipeline = await openPipeline({ plan, model, devices, conditional: prompt, unconditional: prompt, noise });
for await (const _ of pipeline.finishedBlocks());
await pipeline[Symbol.asyncDispose]();
console.log(JSON.stringify(planMemory(spec, plan, model, 'cuda').stages.map(bytesOfStage)));
