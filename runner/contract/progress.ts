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

/** A checkpoint that was written, after so many iterations; `time` by the clock of its node. */
export const checkpointRecordSchema = z.object({
  iteration: z.int().min(0),
  time: z.iso.datetime(),
  bytes: z.int().min(0),
  location: z.string(),
});
export type CheckpointRecord = Readonly<z.output<typeof checkpointRecordSchema>>;

/** Where a run has gone on: after so many iterations of an earlier one, none where it began anew; when that had written its checkpoint. */
export const resumedFromSchema = z.object({ iteration: z.int().min(0), time: z.iso.datetime().optional() });
export type ResumedFrom = Readonly<z.output<typeof resumedFromSchema>>;

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
  /** Absent while it is not known, and in records of before it was told; so are those below. */
  resumedFrom: resumedFromSchema.optional(),
  /** The newest that the run could go on from. */
  checkpoint: checkpointRecordSchema.optional(),
  /** Why the last one could not be written; absent where it could. */
  checkpointFailure: z.string().optional(),
});
export type Progress = Readonly<z.output<typeof progressSchema>>;
