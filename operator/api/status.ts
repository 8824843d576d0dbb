import { z } from 'zod';
import { planStageSchema, planSummarySchema, RUN_PHASES } from '#contract/progress.ts';
import { filmPrecisionSchema } from '#contract/result.ts';

/** What `kubectl get` shows first. Computed from the conditions on each write, never read back. */
export const PHASES = ['Queued', 'Suspended', 'Starting', 'Running', 'Succeeded', 'Failed'] as const;
export type Phase = (typeof PHASES)[number];

const time = (what: string) => z.string().meta({ format: 'date-time' }).describe(what);
/** Bounded, so that the number after it, and a Job's name with it, can always be written. */
const attemptNumber = z.int().min(1).max(1_000_000);
const count = (what: string) => z.int().min(0).describe(what);

const conditionSchema = z.object({
  type: z.string().describe('What the condition is about.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  reason: z.string().describe('Why, in one word.'),
  message: z.string().describe('Why, in a sentence.'),
  observedGeneration: z.int().describe('Generation of the spec that it was judged by.'),
  lastTransitionTime: time('When the status last changed.'),
});

const planShape = planSummarySchema.shape;
const stageShape = planStageSchema.shape;
/** The contract's plan, documented field by field. */
const planStatusSchema = z.object({
  latents: planShape.latents.describe('Latent frames of the film.'),
  blocks: planShape.blocks.describe('Blocks that the film is cut into.'),
  stride: planShape.stride.describe('Rounds between the entries of two blocks.'),
  iterations: planShape.iterations.describe('Rounds of the pipeline.'),
  blockSteps: planShape.blockSteps.describe('Denoising steps of all blocks.'),
  stages: z
    .array(
      z.object({
        device: stageShape.device.describe('Device that the stage holds, as the runner names it.'),
        firstLayer: stageShape.firstLayer.describe('First layer of the stage.'),
        endLayer: stageShape.endLayer.describe('Layer after the last of the stage.'),
        weightBytes: stageShape.weightBytes.describe('Bytes of its weights.'),
        memoryBytes: stageShape.memoryBytes.describe('Bytes of device memory that it needs in all.'),
      }),
    )
    .describe('One entry for each device.'),
});

/** What became of a pod. */
export const OUTCOMES = ['Waiting', 'Running', 'Succeeded', 'Failed', 'Disrupted', 'Suspended', 'Resized'] as const;
export type Outcome = (typeof OUTCOMES)[number];

const attemptSchema = z.object({
  number: attemptNumber.describe('Number of the Job; several pods of one Job follow each other after disruptions.'),
  job: z.string().describe('Name of the Job.'),
  generation: z.int().describe('Generation of the spec that the Job was made from.'),
  pod: z.string().optional().describe('Name of the pod; missing where the Job failed without one.'),
  podUid: z.string().optional().describe('Identity of the pod.'),
  node: z.string().optional().describe('Node of the pod.'),
  createdTime: time('When the pod was made; until it has ended.').optional(),
  startTime: time('When the runner started.').optional(),
  endTime: time('When the pod ended, by the clock of its node.').optional(),
  recordedTime: time('When its end was written down, by the clock of the operator.').optional(),
  outcome: z.enum(OUTCOMES).describe('What became of it.'),
  exitCode: z.int().optional().describe('Exit code of the runner.'),
  gpus: z.int().min(1).optional().describe('GPUs that its Job asks for.'),
  gpusReason: z.string().optional().describe('Why it takes fewer GPUs than the spec wants.'),
  unhealthyDevices: z
    .array(z.string())
    .optional()
    .describe('Devices of its runner that the kubelet called unhealthy when it was last at work.'),
  resumedFromIteration: count(
    'Iterations of earlier attempts that it went on after; 0 where it began anew. Missing where its runner has not told.',
  ).optional(),
  checkpointIteration: count('Iterations after which its newest checkpoint was made.').optional(),
  iteration: count('Iterations done when it ended, where it had begun any.').optional(),
  gpuSeconds: count('GPUs times the seconds that its container ran, once it has ended.').optional(),
  lostGpuSeconds: count('Those of them that a later attempt had to make again.').optional(),
  reason: z.string().optional().describe('Why it failed or was taken away, in one word or error code.'),
  message: z.string().optional().describe('Why it failed or was taken away, in a sentence.'),
});
export type Attempt = Readonly<z.output<typeof attemptSchema>>;

const earlierSchema = z.object({
  count: count('How many.'),
  number: attemptNumber.describe('Number of the newest Job among them.'),
  pods: z.array(z.string()).describe('By what their pods are known again: the last characters of their uids.'),
});
export type EarlierAttempts = Readonly<z.output<typeof earlierSchema>>;

const sizedSchema = z.object({
  gpus: z.int().min(1).describe('GPUs that it takes.'),
  why: z.string().describe('Why not those that the spec wants, in a sentence.'),
});
/** How many GPUs an attempt takes in place of those that the spec wants. */
export type Sized = Readonly<z.output<typeof sizedSchema>>;

const claimSchema = z.object({
  attempt: attemptNumber.describe('Number of the Job.'),
  job: z.string().describe('Name of the Job.'),
  generation: z.int().describe('Generation of the spec that it is made from.'),
  specHash: z.string().describe('SHA-256 of what the film is made from, in hexadecimal.'),
  sized: sizedSchema.optional().describe('Missing where it takes all GPUs that the spec wants.'),
  jobUid: z.string().optional().describe('Identity of the Job; missing until it is known to have been created.'),
  frozen: z
    .boolean()
    .optional()
    .describe('Whether what the Job makes is known to have been written down for its pods.'),
});
export type Claim = Readonly<z.output<typeof claimSchema>>;

const progressStatusSchema = z.object({
  phase: z.enum(RUN_PHASES).describe('What the runner is doing.'),
  percent: z.int().min(0).max(100).describe('Work done, in hundredths: block-steps, loading and writing.'),
  iteration: count('Rounds of the pipeline done.'),
  iterations: count('Rounds of the pipeline in all.'),
  blockSteps: count('Denoising steps of blocks done.'),
  blockStepsTotal: count('Denoising steps of blocks in all.'),
  blocksFinished: count('Blocks of the film done.'),
  blocks: count('Blocks of the film.'),
  framesReady: count('Frames written.'),
  framesTotal: count('Frames of the film.'),
  blockStepsPerSecond: z.number().min(0).optional().describe('Speed, measured over the run.'),
  etaSeconds: z.number().min(0).optional().describe('Seconds to go, estimated from measured block-steps.'),
  // JSONPath can neither write a number of seconds as a stretch of time nor show a date that is still to come.
  eta: z.string().optional().describe('The same as people read it, rounded.'),
  lastReportTime: time('When the runner reported this.'),
  lastAdvanceTime: time('When the operator saw it get on, by its own clock.').optional(),
  warnings: z.array(z.string()).optional().describe('What the runner warns of.'),
});
export type ProgressStatus = Readonly<z.output<typeof progressStatusSchema>>;

const outputStatusSchema = z.object({
  location: z.string().describe('Where the film is: pvc://CLAIM/PATH.'),
  frames: count('Frames of the film.'),
  seconds: z.number().describe('Playing time.'),
  bytes: count('Size of the file.'),
  sha256: z.string().describe('SHA-256 of the file, in hexadecimal.'),
  width: z.int().describe('Width in pixels.'),
  height: z.int().describe('Height in pixels.'),
  fps: z.number().describe('Frames per second.'),
  codec: z.string().describe('Codec of the picture.'),
  precision: z
    .object({
      sampling: filmPrecisionSchema.shape.sampling.describe("Number format of the model's matrix work."),
      decoding: filmPrecisionSchema.shape.decoding.describe('Number format of the video decoder.'),
    })
    .optional()
    .describe('Number formats that the film was computed in.'),
});
export type OutputStatus = Readonly<z.output<typeof outputStatusSchema>>;

const checkpointStatusSchema = z.object({
  iteration: count('Iterations after which it was made.'),
  time: time('When it was written, by the clock of its node.'),
  bytes: count('Bytes of its states.'),
  location: z.string().describe('Folder that holds it: pvc://CLAIM/PATH.'),
});
export type CheckpointStatus = Readonly<z.output<typeof checkpointStatusSchema>>;

const usageSchema = z.object({
  gpuSeconds: count('GPUs times the seconds that the containers of attempts ran.'),
  lostGpuSeconds: count(
    'Those of them that are not in the film: computed after the checkpoint that a later attempt went on from; all of them, where the film has failed.',
  ),
});
export type Usage = Readonly<z.output<typeof usageSchema>>;

/** `status` of a VideoGeneration; written by the operator alone. */
export const statusSchema = z
  .object({
    observedGeneration: z.int().describe('Generation of the spec that this status answers.'),
    phase: z.enum(PHASES).describe('Where the film stands.'),
    reason: z.string().optional().describe('Why it is not running or why it failed, in one word or error code.'),
    message: z.string().optional().describe('Why it is not running or why it failed, in a sentence.'),
    conditions: z
      .array(conditionSchema)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .describe(
        'Scheduled, Progressing, Suspended (a person has decided that it waits), Complete, Failed, ProgressStale (nothing is heard of a runner at work), SpecApplied (whether the Job at work was made from spec.runner as it is now; said once it was edited), CheckpointFailing (a runner at work cannot write its checkpoints), DevicesUnhealthy (the kubelet calls devices of a runner at work unhealthy), Warnings (what people should know of a film that is made all the same); Ready, Reconciling, Stalled as kstatus reads them.',
      ),
    startTime: time(
      'When the first Job was started. From here on the fields that the film is made from are fixed.',
    ).optional(),
    completionTime: time('When the film was ready or given up.').optional(),
    claim: claimSchema
      .optional()
      .describe('The newest Job. Written before the Job is created, so that no two are ever made for one attempt.'),
    plan: planStatusSchema.optional().describe('How the film is cut into blocks and the model into stages.'),
    progress: progressStatusSchema.optional().describe('What the runner reported last.'),
    checkpoint: checkpointStatusSchema
      .optional()
      .describe('The newest checkpoint that another attempt can go on from.'),
    usage: usageSchema.optional().describe('What the attempts that have ended have cost.'),
    failures: count('Attempts that failed.'),
    forgottenFailures: count(
      'Those of them that do not count against retries.failures any more, since the film has got further.',
    ).optional(),
    disruptions: count('Attempts that the cluster took away.'),
    activeSeconds: count('Seconds that the runners of attempts that have ended have worked.').optional(),
    attempts: z
      .array(attemptSchema)
      .optional()
      .describe('Pods that worked on the film, oldest first: the newest, as many as there is room for.'),
    earlierAttempts: earlierSchema
      .optional()
      .describe('Attempts that the list had no room for; the counters hold them.'),
    output: outputStatusSchema.optional().describe('The film.'),
  })
  .describe('What became of it. Written by the operator.');

export type VideoGenerationStatus = Readonly<z.output<typeof statusSchema>>;
