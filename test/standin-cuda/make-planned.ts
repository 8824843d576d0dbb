import { jobSpecSchema } from '#contract/job-spec.ts';
import { openFrameDecoder, placeParts } from '../../runner/decode/frames.ts';
import { TILING } from '../../runner/decode/tiles.ts';
import { seededNoise } from '../../runner/diffusion/noise-pool.ts';
import { planMemory, shareLimits } from '../../runner/memory-plan.ts';
import { FLOAT_TYPES } from '../../runner/model/float-types.ts';
import { noiseShapeOf } from '../../runner/noise.ts';
import type { Device } from '../../runner/ort/device.ts';
import { openPipeline } from '../../runner/pipeline/driver.ts';
import { CUDA_LIBRARIES_BYTES } from '../../runner/plan/process-memory.ts';
import { planModel } from '../../runner/plan-job.ts';
import { promptsOf } from '../../runner/prepare.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { encodePrompts } from '../../runner/text/encode.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { decoderParts } from '../build/decoder-parts.ts';

/** The film, and the folder of the model that makes it. */
export interface PlannedFilm {
  readonly folder: string;
  readonly stages: number;
  /** Width and height; a number is both. */
  readonly pixels: number | readonly [width: number, height: number];
  readonly frames?: number;
  readonly sampling?: object;
  readonly decoding?: object;
  readonly parallelism?: object;
  /** Into how many the decoder is cut, on the last stages; as the plan has it unless said. */
  readonly parts?: number;
  /** Each device gives no more than is planned for it, and a fiftieth of that. */
  readonly limited?: boolean;
}

/**
 * A process of its own: makes a film from its prompt to its frames on as many devices as said, in the order of a run, and prints what
 * each should hold at most by the plan, in bytes, CUDA's own libraries aside.
 */
const film = JSON.parse(process.argv[2]!) as PlannedFilm;
const { folder, stages, pixels, frames = 33, sampling, decoding, parallelism, parts, limited = false } = film;
const [width, height] = typeof pixels === 'number' ? [pixels, pixels] : pixels;
const model = openModel(folder);
const spec = jobSpecSchema.parse({
  name: 'film',
  prompt: 'a lighthouse',
  frames,
  size: { width, height },
  model: { ref: 'model', folder },
  sampling: { steps: 2, guidanceScale: 5, ...sampling },
  decoding: decoding ?? {},
  parallelism: { gpus: stages, blockLatents: 3, contextLatents: 2, ...parallelism },
  output: { folder: '/nowhere' },
});
const devices = Array.from({ length: stages }, (_, index): Device => ({ kind: 'cuda', index, name: `cuda:${index}` }));
const whole = planModel(spec, model, devices);
const plan = parts === undefined ? whole : { ...whole, decoderParts: decoderParts(parts, stages) };
const memory = planMemory(spec, plan, model, 'cuda');
const planned = memory.stageBytes.map((bytes) => bytes - CUDA_LIBRARIES_BYTES);
const given = limited
  ? devices.map((device, stage) => ({ ...device, memoryLimitBytes: Math.round(1.02 * planned[stage]!) }))
  : devices;
const limits = shareLimits(given, memory);
const dtype = FLOAT_TYPES[plan.precision.sampling];
const text = { config: model.config.text, weights: model.text, tokenizerFolder: model.tokenizerFolder };
const { embeddings } = await encodePrompts(text, promptsOf(spec, plan), {
  maxSequenceLength: plan.sampling.textTokens,
  device: given[0]!,
  dtype,
});
const [conditional, unconditional = null] = embeddings as [F32Tensor, F32Tensor?];
const noise = seededNoise(1, noiseShapeOf(plan));
const pipeline = await openPipeline({
  plan,
  model,
  devices: limits.stages,
  conditional,
  unconditional,
  noise,
  options: { dtype },
});
const decoder = await openFrameDecoder(
  { config: model.config.vae, weights: model.vae },
  {
    parts: placeParts(plan.decoderParts, limits.decoders),
    latentHeight: plan.latentHeight,
    latentWidth: plan.latentWidth,
    dtype: FLOAT_TYPES[plan.precision.decoding],
    ...(spec.decoding.tiling ? { tiling: TILING } : {}),
  },
);
for await (const { latents } of pipeline.finishedBlocks()) for await (const _ of decoder.decode(latents));
await decoder[Symbol.asyncDispose]();
await pipeline[Symbol.asyncDispose]();
console.log(JSON.stringify(planned));
