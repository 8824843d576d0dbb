import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { toErrorRecord } from '#contract/error.ts';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { openFrameDecoder, placeParts } from '../../runner/decode/frames.ts';
import { seededNoise } from '../../runner/diffusion/noise-pool.ts';
import { noiseShapeOf } from '../../runner/noise.ts';
import type { Device } from '../../runner/ort/device.ts';
import { planModel } from '../../runner/plan-job.ts';
import { promptsOf } from '../../runner/prepare.ts';
import type { F32Tensor, FloatType } from '../../runner/tensor.ts';
import { encodePrompts } from '../../runner/text/encode.ts';
import { patienceOf } from '../../runner/thread/patience.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { runToEnd } from '../golden/run-case.ts';

/** What a process makes on the stand-in: a film by the tiny model, from its prompt to its latents. */
export interface FilmTask {
  readonly stages: number;
  readonly steps: number;
  readonly dtype: FloatType;
  /** All stages on one device instead of one each. */
  readonly oneDevice?: boolean;
  readonly guidanceParallel?: boolean;
  readonly leftContext?: 'recompute' | 'reuse';
  readonly size?: { readonly width: number; readonly height: number };
  /** What a device may give to this process, all its sessions together. */
  readonly memoryLimitBytes?: number;
  /** Latents alone. */
  readonly undecoded?: boolean;
}

/** What it came to, as its last line of output. */
export interface FilmEnd {
  readonly shape: readonly number[];
  /** Layers of each stage, from the first to the one after the last. */
  readonly layers: readonly (readonly [first: number, end: number])[];
  /** Stages on whose devices it was decoded. */
  readonly decodedOn: readonly number[];
  readonly error: { readonly code: string; readonly message: string; readonly exit: string } | null;
}

/** Told to the log between the parts of a film. */
function mark(part: string): void {
  const log = process.env.STANDIN_CUDA_LOG;
  if (log !== undefined) appendFileSync(log, `- - part ${part}\n`);
}

async function make(task: FilmTask): Promise<FilmEnd> {
  const { stages, steps, dtype, oneDevice = false, guidanceParallel = false, leftContext, memoryLimitBytes } = task;
  const { size = { width: 64, height: 48 } } = task;
  const limit = memoryLimitBytes === undefined ? {} : { memoryLimitBytes };
  const devices = Array.from({ length: stages }, (_, stage): Device => {
    const index = oneDevice ? 0 : stage;
    return { kind: 'cuda', index, name: `cuda:${index}`, ...limit };
  });
  const folder = join(import.meta.dirname, '../../models/tiny');
  const model = openModel(folder);
  const spec = jobSpecSchema.parse({
    name: 'film',
    prompt: 'a red circle moving to the right',
    frames: 61,
    size,
    model: { ref: 'model', folder },
    sampling: { steps, maxSequenceLength: 64 },
    parallelism: { gpus: stages, blockLatents: 4, contextLatents: 2, guidanceParallel, leftContext },
    output: { folder: '/nowhere' },
  });
  const plan = planModel(spec, model, devices);
  const patience = patienceOf(process.env);
  mark('text');
  const text = { config: model.config.text, weights: model.text, tokenizerFolder: model.tokenizerFolder };
  const { embeddings } = await encodePrompts(text, promptsOf(spec, plan), {
    maxSequenceLength: 64,
    device: devices[0]!,
    patience,
  });
  const [conditional, unconditional = null] = embeddings as [F32Tensor, F32Tensor?];
  mark('pipeline');
  const noise = seededNoise(1, noiseShapeOf(plan));
  const options = { dtype, patience, stageWorker: new URL('./told-stage-worker.ts', import.meta.url) };
  const latents = await runToEnd({ plan, model, devices, conditional, unconditional, noise, options });
  mark('decoder');
  const vae = { config: model.config.vae, weights: model.vae };
  const { latentHeight, latentWidth } = plan;
  const parts = placeParts(plan.decoderParts, devices);
  if (task.undecoded !== true) {
    await using decoder = await openFrameDecoder(vae, { parts, latentHeight, latentWidth });
    for await (const _ of decoder.decode(latents));
  }
  mark('end');
  const layers = plan.stages.map(({ firstLayer, endLayer }) => [firstLayer, endLayer] as const);
  const decodedOn = plan.decoderParts.map(({ stage }) => stage);
  return { shape: latents.shape, layers, decodedOn, error: null };
}

if (import.meta.main) {
  const end = (result: FilmEnd) => process.stdout.write(`${JSON.stringify(result)}\n`);
  try {
    end(await make(JSON.parse(process.argv[2]!)));
  } catch (error) {
    const { code, message, exit } = toErrorRecord(error);
    end({ shape: [], layers: [], decodedOn: [], error: { code, message, exit } });
    // A thread that a device holds would keep the process, which the command line's parent ends.
    if (code.endsWith('_HUNG')) process.kill(process.pid, 'SIGKILL');
  }
}
