import { z } from 'zod';
import { durationField } from './duration.ts';
import { negativePromptField, promptField } from './prompt-field.ts';
import { ruled } from './rule.ts';
import { CONTRACT_VERSION } from './version.ts';

/** The first frame is one latent; each later latent holds four frames (Wan's VAE, docs/wan.md#video-decoder). */
export const FRAMES_PER_LATENT = 4;
/** Picture sizes are cut into 8-pixel latents and 2-latent patches (docs/wan.md#sizes). */
export const SIZE_MULTIPLE_PIXELS = 16;

/** Fields that say what to make. The resource's schema reuses them one by one, so their descriptions are its documentation. */
export const seedField = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .default(42)
  .describe('Start of the random numbers. The same spec, seed and model give the same film, bit for bit.');

/** Frames that the longest film may have, however its length is given. */
export const MAX_FRAMES = 1_000_001;

export const framesField = ruled(z.int().min(1).max(MAX_FRAMES), {
  rule: 'self % 4 == 1',
  holds: (frames) => frames % FRAMES_PER_LATENT === 1,
  // Naming the nearest right numbers would cost more than the API server allows a rule.
  message: 'must be 4k + 1, for instance 77, 81, 1021 or 1025',
  explain: framesMessage,
}).describe('Frames of the film: 4k + 1 (1, 5, 9, … 81, … 1025), since each latent after the first holds four frames.');

const pixels = (side: string) =>
  z
    .int()
    .min(SIZE_MULTIPLE_PIXELS)
    .max(4096)
    .multipleOf(SIZE_MULTIPLE_PIXELS)
    .describe(`${side} of the picture in pixels: a multiple of ${SIZE_MULTIPLE_PIXELS}.`);

export const sizeField = z
  .object({ width: pixels('Width').default(832), height: pixels('Height').default(480) })
  .describe('Size of the picture.');

export const fpsField = z.int().min(1).max(120).default(16).describe('Frames per second of the film. Wan makes 16.');

export const SCHEDULERS = ['UniPC', 'FlowMatchEuler'] as const;
export const NOISES = ['counter', 'torch'] as const;
export const SAMPLING_PRECISIONS = ['auto', 'float32', 'bfloat16', 'float16'] as const;
/** The video decoder has no graph in bfloat16: devices lack kernels for it. */
export const DECODING_PRECISIONS = ['auto', 'float32', 'float16'] as const;

const noiseLevel = (which: string, usual: number) =>
  z.number().min(0).max(1).default(usual).describe(`${which} noise level with guidance: 1 is pure noise, 0 the film.`);

const guidanceIntervalField = ruled(z.object({ low: noiseLevel('Lowest', 0), high: noiseLevel('Highest', 1) }), {
  rule: 'self.low < self.high',
  holds: ({ low, high }) => low < high,
  message: 'must be below high',
  fieldPath: '.low',
})
  .optional()
  .describe(
    'Guidance only between two noise levels; elsewhere the prompt is followed without it, at half the work. Default: everywhere.',
  );

export const samplingField = z
  .object({
    steps: z.int().min(1).max(1000).default(50).describe('Denoising steps of each block.'),
    guidanceScale: z
      .number()
      .min(0)
      .max(100)
      .default(5)
      .describe('How strongly the prompt pulls. 1 or less switches guidance off and halves the work.'),
    guidanceScale2: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .describe('Guidance of the low-noise expert, for models that have two (Wan2.2 A14B). Default: guidanceScale.'),
    guidanceInterval: guidanceIntervalField,
    flowShift: z
      .number()
      .positive()
      .max(100)
      .optional()
      .describe("Shift of the noise levels. Default: the model's own scheduler setting."),
    scheduler: z.enum(SCHEDULERS).optional().describe("Rule of the denoising step. Default: the model's own."),
    maxSequenceLength: z
      .int()
      .min(1)
      .max(512)
      .default(512)
      .describe('Text tokens that the model sees, padding included. Wan uses 512.'),
    noise: z
      .enum(NOISES)
      .default('counter')
      .describe(
        "How the seed becomes noise. counter: every latent has numbers of its own. torch: the numbers of PyTorch's generator on the CPU (x86-64), to compare with runs there; of the seed only the low 32 bits count.",
      ),
    precision: z
      .enum(SAMPLING_PRECISIONS)
      .default('auto')
      .describe(
        "Number format of the model's matrix work, text encoder included; latents and the denoising step are float32 always. auto: that of the model's own transformer on CUDA, float32 on the CPU. bfloat16 is for CUDA only. Another format makes another film.",
      ),
  })
  .describe('How each block is denoised.');

export const LEFT_CONTEXTS = ['recompute', 'reuse'] as const;

const LONGEST_STRIDE = 1000;
const STRIDE_MESSAGE = `must be a whole number from 1 to ${LONGEST_STRIDE}, or auto`;

export const strideField = ruled(
  z
    // A number out of range ends the check, so that all that is wrong has the one sentence of the union.
    .union([z.int().min(1, { abort: true }).max(LONGEST_STRIDE, { abort: true }), z.literal('auto')], {
      error: STRIDE_MESSAGE,
    })
    .meta({ 'x-kubernetes-int-or-string': true }),
  {
    rule: `type(self) == string ? self == 'auto' : self >= 1 && self <= ${LONGEST_STRIDE}`,
    holds: (stride) => stride === 'auto' || (stride >= 1 && stride <= LONGEST_STRIDE),
    message: STRIDE_MESSAGE,
  },
)
  .default(1)
  .describe(
    'Iterations between the entries of two blocks, so that a block sees a left neighbour that many steps cleaner: 1 is the paper; more heals joins and shows the first pictures sooner, and keeps the devices a little less busy. auto: as much as joins need and the devices can bear.',
  );

export const parallelismField = ruled(
  z.object({
    gpus: z
      .int()
      .min(1)
      .max(64)
      .default(8)
      .describe('Devices, all on one node. Each holds one slice of the layers; the film does not depend on it.'),
    minGpus: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe(
        'Least devices to go on with in a cluster, where gpus of them find no node for deadlines.elastic, or one of them has failed or is unhealthy: the next attempt takes half as many, but no less than this; the one after it asks for all again. The model has to fit into so few. Default: gpus.',
      ),
    blockLatents: z.int().min(1).max(1024).default(8).describe('Latent frames of a block.'),
    contextLatents: z
      .int()
      .min(0)
      .max(1024)
      .default(4)
      .describe('Latent frames that a block sees of each neighbour: at most blockLatents.'),
    stride: strideField,
    leftContext: z
      .enum(LEFT_CONTEXTS)
      .default('recompute')
      .describe(
        "Where a block's left context comes from: recompute puts the neighbour's latents through the model again, as in the paper; reuse keeps what they left when they made the same step: a third less work, more memory, and joins that heal less.",
      ),
    guidanceParallel: z
      .boolean()
      .default(false)
      .describe(
        'Give each of the two guidance branches half of the devices: the same film, with less waiting where few blocks are in flight, and twice the layers on each device.',
      ),
  }),
  {
    rule: 'self.contextLatents <= self.blockLatents',
    holds: ({ contextLatents, blockLatents }) => contextLatents <= blockLatents,
    message: 'must be at most blockLatents',
    fieldPath: '.contextLatents',
  },
  {
    rule: '!self.guidanceParallel || self.gpus % 2 == 0',
    holds: ({ guidanceParallel, gpus }) => !guidanceParallel || gpus % 2 === 0,
    message: 'must be even with guidanceParallel: each branch has half of the devices',
    fieldPath: '.gpus',
  },
  {
    rule: '!has(self.minGpus) || self.minGpus <= self.gpus',
    holds: ({ minGpus = 1, gpus }) => minGpus <= gpus,
    message: 'must be at most gpus',
    fieldPath: '.minGpus',
  },
  {
    rule: '!self.guidanceParallel || !has(self.minGpus) || self.minGpus % 2 == 0',
    holds: ({ guidanceParallel, minGpus = 2 }) => !guidanceParallel || minGpus % 2 === 0,
    message: 'must be even with guidanceParallel: each branch has half of the devices',
    fieldPath: '.minGpus',
  },
  {
    rule: "self.leftContext != 'reuse' || self.contextLatents > 0",
    holds: ({ leftContext, contextLatents }) => leftContext !== 'reuse' || contextLatents > 0,
    message: 'must be recompute with contextLatents 0, which leaves no context to reuse',
    fieldPath: '.leftContext',
  },
).describe('How the film is cut into blocks and the model into slices.');

export const decodingField = z
  .object({
    tiling: z
      .boolean()
      .default(false)
      .describe(
        'Decode pictures larger than 256 pixels in overlapping tiles, as Diffusers does: less memory on the device, more work, and pixels near the seams that differ a little.',
      ),
    precision: z
      .enum(DECODING_PRECISIONS)
      .default('auto')
      .describe(
        'Number format of the video decoder; there is no bfloat16. auto: float32. float16 takes less memory on CUDA, and is not faster there.',
      ),
  })
  .describe('How latents become pictures.');

export const checkpointField = z
  .object({
    every: durationField
      .default('60s')
      .describe(
        'Time between two checkpoints: what a kill costs at most, and one iteration. 0s: as often as they can be written.',
      ),
    keep: z.boolean().default(false).describe('Keep the last checkpoints beside the finished film.'),
  })
  .describe('What a film that was interrupted goes on from. It does not change the film.');

export const OUTPUT_FORMATS = ['mp4'] as const;
export const formatsField = z.array(z.enum(OUTPUT_FORMATS)).min(1).default(['mp4']).describe('Files to make.');

/**
 * What one run of the runner makes: every default filled in, nothing of Kubernetes. Frozen per Job in a ConfigMap.
 * `model.folder` and `output.folder` are paths on the machine that runs it.
 */
export const jobSpecSchema = z.strictObject({
  contractVersion: z.literal(CONTRACT_VERSION).default(CONTRACT_VERSION),
  name: z.string().min(1),
  prompt: promptField,
  negativePrompt: negativePromptField,
  seed: seedField,
  frames: framesField,
  size: sizeField,
  fps: fpsField,
  model: z.strictObject({ ref: z.string().min(1), folder: z.string().min(1) }),
  sampling: samplingField,
  parallelism: parallelismField,
  decoding: decodingField.prefault({}),
  /** Its defaults where it is absent. */
  checkpoint: checkpointField.optional(),
  output: z.strictObject({
    folder: z.string().min(1),
    /** Folders of earlier attempts at the same film, the latest first: a finished film in one, or in `folder`, is taken as it is. */
    earlier: z.array(z.string().min(1)).max(1000).optional(),
    formats: formatsField,
  }),
});

/** A checked job spec; see {@link jobSpecSchema}. */
export type JobSpec = Readonly<z.output<typeof jobSpecSchema>>;

/**
 * How far from a whole number of frames a length may lie and still mean it: well above the noise of a product of two
 * doubles (10⁻⁹ of a frame at most), and below what seconds with six decimals can differ by.
 */
export const FRAME_TOLERANCE = 5e-7;

/** Frames of a film of `seconds` at `fps`, rounded up to the next 4k + 1: 9.8 s at 25 fps are 245 frames. */
export function framesOfSeconds(seconds: number, fps: number): number {
  const latents = Math.ceil((seconds * fps - FRAME_TOLERANCE - 1) / FRAMES_PER_LATENT);
  return Math.max(0, latents) * FRAMES_PER_LATENT + 1;
}

function framesMessage(frames: number): string {
  const below = Math.max(1, frames - ((frames + 3) % FRAMES_PER_LATENT));
  return `must be 4k + 1, found ${frames}: take ${below} or ${below + FRAMES_PER_LATENT}`;
}
