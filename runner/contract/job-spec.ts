import { z } from 'zod';
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
  })
  .describe('How each block is denoised.');

const LONGEST_STRIDE = 1000;
const STRIDE_MESSAGE = `must be a whole number from 1 to ${LONGEST_STRIDE}, or auto`;

export const strideField = ruled(
  z
    .union([z.int().min(1).max(LONGEST_STRIDE), z.literal('auto')], { error: STRIDE_MESSAGE })
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
    blockLatents: z.int().min(1).max(1024).default(8).describe('Latent frames of a block.'),
    contextLatents: z
      .int()
      .min(0)
      .max(1024)
      .default(4)
      .describe('Latent frames that a block sees of each neighbour: at most blockLatents.'),
    stride: strideField,
  }),
  {
    rule: 'self.contextLatents <= self.blockLatents',
    holds: ({ contextLatents, blockLatents }) => contextLatents <= blockLatents,
    message: 'must be at most blockLatents',
    fieldPath: '.contextLatents',
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
  })
  .describe('How latents become pictures.');

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
  output: z.strictObject({ folder: z.string().min(1), formats: formatsField }),
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
