import { z } from 'zod';
import { CONTRACT_VERSION } from './version.ts';

/** Phases of a run, in order. */
export const RUN_PHASES = ['Planning', 'Encoding', 'Loading', 'Denoising', 'Finishing', 'Done'] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

/** One stage of the plan as people see it: its device, layers `[first, end)`, bytes of its own weights and of all its device memory. */
export const planStageSchema = z.object({
  device: z.string(),
  firstLayer: z.int().min(0),
  endLayer: z.int().min(0),
  weightBytes: z.int().min(0),
  memoryBytes: z.int().min(0),
});

/** The plan as it is reported: counts and one entry per stage. */
export const planSummarySchema = z.object({
  latents: z.int(),
  blocks: z.int(),
  stride: z.int().min(1).default(1),
  iterations: z.int(),
  blockSteps: z.int(),
  stages: z.array(planStageSchema),
});
export type PlanSummary = Readonly<z.output<typeof planSummarySchema>>;

/** One progress record. `sequence` grows by one per record of a run: a reader drops late and repeated ones. */
export const progressSchema = z.object({
  contractVersion: z.literal(CONTRACT_VERSION),
  sequence: z.int().min(0),
  time: z.iso.datetime(),
  phase: z.enum(RUN_PHASES),
  percent: z.number().min(0).max(100),
  iteration: z.int().min(0),
  iterations: z.int().min(0),
  blockSteps: z.int().min(0),
  blockStepsTotal: z.int().min(0),
  blocksFinished: z.int().min(0),
  blocks: z.int().min(0),
  framesReady: z.int().min(0),
  framesTotal: z.int().min(0),
  /** Measured over the run so far; absent before the first block-step. */
  blockStepsPerSecond: z.number().min(0).optional(),
  /** Absent until it can be estimated from measured block-steps. */
  etaSeconds: z.number().min(0).optional(),
  /** Sent with the first record after planning, and with every record that follows. */
  plan: planSummarySchema.optional(),
  warnings: z.array(z.string()).optional(),
});
export type Progress = Readonly<z.output<typeof progressSchema>>;
