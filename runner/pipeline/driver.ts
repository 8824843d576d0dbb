import { availableParallelism } from 'node:os';
import type { NoiseSource } from '../diffusion/noise-pool.ts';
import { FLOAT_TYPES } from '../model/float-types.ts';
import type { Device } from '../ort/device.ts';
import type { Plan } from '../plan/plan.ts';
import { scheduleOf } from '../plan/plan-schedule.ts';
import type { F32Tensor, FloatType } from '../tensor.ts';
import { openArenas } from '../thread/arenas.ts';
import type { PatienceSettings } from '../thread/patience.ts';
import { type Cuts, openCuts } from './cut.ts';
import { pipelineError } from './errors.ts';
import { lookForHangs } from './hangs.ts';
import { CELLS, createSharedMemory } from './layout.ts';
import { type ResumeState, restore } from './resume.ts';
import { raise } from './ring.ts';
import { type CommonTask, type PipelineModel, stageTasks } from './stage-task.ts';
import { startStages } from './threads.ts';
import { type FinishedBlock, type PipelineEvent, type StageLane, watchRun } from './watch.ts';

/** What a pipeline runs. Embeddings are `[1, textTokens, textWidth]`; `unconditional` is null where the plan has one branch. */
export interface PipelineInput {
  readonly plan: Plan;
  readonly model: PipelineModel;
  /** One per stage at least, in stage order. */
  readonly devices: readonly Device[];
  readonly conditional: F32Tensor;
  readonly unconditional: F32Tensor | null;
  readonly noise: NoiseSource;
  readonly onEvent?: (event: PipelineEvent) => void;
  /** Takes a copy of each block as soon as it is finished; {@link Pipeline.finishedBlocks} gives it again when its turn comes. */
  readonly onFinished?: (block: FinishedBlock) => void;
  /** The state of an earlier run of the same plan, on whatever stages, to go on with. */
  readonly from?: ResumeState | undefined;
  readonly options?: PipelineOptions;
}

/** How a pipeline runs; nothing here changes a bit of the result, but `dtype` does. */
export interface PipelineOptions {
  /** Threads within an operator on the CPU; an equal share of the cores unless said. */
  readonly intraOpThreads?: number;
  /** Type of the matrix work: the plan's unless said. */
  readonly dtype?: FloatType;
  /** Make room for {@link Pipeline.cuts}. */
  readonly cuts?: boolean;
  /** Keep every block's sample after every step, for {@link Pipeline.latentsAfter}. */
  readonly trace?: boolean;
  /** How long an item may take before its stage counts as stuck. */
  readonly patience?: PatienceSettings;
  /** Keep numbers where CUDA keeps them, on devices that are none; for tests, whose stages bring copies of their own. */
  readonly asOnCuda?: boolean;
  /** Thread entry of the stages; tests give one that fails. */
  readonly stageWorker?: URL;
}

/** A running pipeline. Disposing it stops and ends every thread; after the last block there is nothing left to stop. */
export interface Pipeline {
  /**
   * The blocks in video order, each as soon as it is finished and once; whoever iterates again gets those that are left. The
   * pipeline waits when nobody takes the blocks. Throws the coded error of a stage that failed, or `E_PIPELINE_STOPPED`.
   */
  finishedBlocks(): AsyncGenerator<FinishedBlock, void, undefined>;
  /** Aborts with the error of a stage that failed, whoever waits for something else meanwhile. */
  readonly failed: AbortSignal;
  lanes(): readonly StageLane[];
  /** Copies of the run's state, for a pipeline opened with `cuts`. */
  readonly cuts: Pick<Cuts, 'next' | 'endWithNext' | 'isLastMade'>;
  /** A block's sample `[1, C, F, h, w]` after an iteration, for a pipeline opened with `trace`. */
  latentsAfter(iteration: number, block: number): F32Tensor;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts one thread per stage and resolves once all have loaded; they are at work then. Throws the coded error of a stage
 * that cannot load, or `E_PIPELINE_STOPPED` when `signal` aborts; no thread is left behind in either case.
 */
export async function openPipeline(input: PipelineInput, signal?: AbortSignal): Promise<Pipeline> {
  const { plan, options = {} } = input;
  checkPrompts(input);
  const stopped = () => pipelineError('E_PIPELINE_STOPPED', {}, signal?.reason);
  await openArenas(input.devices.slice(0, plan.stages.length), { patience: options.patience, signal }).catch(
    (error) => {
      if (signal?.aborted !== true) throw error;
    },
  );
  if (signal?.aborted) throw stopped();
  const prompts = [input.conditional, input.unconditional].filter((prompt) => prompt !== null);
  const textTokens = prompts[0]!.shape[1]!;
  const { width } = input.model.config.transformer;
  const dtype = options.dtype ?? FLOAT_TYPES[plan.precision.sampling];
  const device = options.asOnCuda === true ? 'cuda' : input.devices[0]!.kind;
  const wishes = { trace: options.trace === true, cuts: options.cuts === true };
  const shared = createSharedMemory(plan, { width, textTokens, dtype, device, ...wishes });
  const schedule = scheduleOf(plan);
  const firstIteration = input.from === undefined ? 0 : input.from.iteration + 1;
  const restored = input.from && restore(shared, plan, schedule, input.from);
  const common: CommonTask = {
    plan,
    prompts,
    dtype,
    shared,
    noise: input.noise,
    firstIteration,
    intraOpThreads: threadsPerStage(input),
  };
  const tasks = stageTasks(input.model, input.devices, common);
  const cuts = openCuts(plan, schedule, shared);
  const onEvent = (event: PipelineEvent) => {
    if (event.kind === 'blockStep') {
      cuts.look(event.done);
      if (event.done === plan.blockSteps) cuts.end();
    }
    input.onEvent?.(event);
  };
  const watch = watchRun(plan, schedule, shared, { onEvent, onFinished: input.onFinished, firstIteration });
  if (restored !== undefined) {
    input.from!.fill(restored).then(() => raise(new Int32Array(shared.control), CELLS.restored), watch.fail);
  }
  const hangs = lookForHangs(plan, watch, options.patience);
  const threads = startStages(tasks, {
    entry: options.stageWorker ?? new URL('./stage-worker.ts', import.meta.url),
    onReady(stage) {
      hangs.loaded(stage);
      input.onEvent?.({ kind: 'stageReady', stage, device: input.devices[stage]!.name });
    },
    onFailure: (error) => watch.fail(error),
    onExit: () => watch.advance(),
  });
  const abort = () => watch.fail(stopped());
  const dispose = async () => {
    hangs.stop();
    signal?.removeEventListener('abort', abort);
    watch.fail(pipelineError('E_PIPELINE_STOPPED'));
    await threads.stop();
  };
  signal?.addEventListener('abort', abort);
  try {
    await Promise.race([threads.ready, watch.failed]);
  } catch (error) {
    await dispose();
    throw error;
  }
  const failed = new AbortController();
  watch.failed.catch((reason) => {
    failed.abort(reason);
    cuts.end();
    return threads.stop();
  });
  const { finishedBlocks, lanes, latentsAfter } = watch;
  return { finishedBlocks, failed: failed.signal, lanes, latentsAfter, cuts, [Symbol.asyncDispose]: dispose };
}

function checkPrompts({ plan, model, conditional, unconditional }: PipelineInput): void {
  const wanted = [1, plan.sampling.textTokens, model.config.transformer.textWidth].join(', ');
  const found = (prompt: F32Tensor | null) => prompt?.shape.join(', ') ?? 'nothing';
  if (found(conditional) !== wanted) {
    throw pipelineError('E_PIPELINE_PROMPT', { branch: 'conditional', found: found(conditional), wanted });
  }
  const needed = plan.branches === 2 ? wanted : 'nothing';
  if (found(unconditional) !== needed) {
    throw pipelineError('E_PIPELINE_PROMPT', { branch: 'unconditional', found: found(unconditional), wanted: needed });
  }
}

/** Stages share the processor's cores; more threads than cores would only take turns. */
function threadsPerStage({ plan, options }: PipelineInput): number {
  return options?.intraOpThreads ?? Math.max(1, Math.floor(availableParallelism() / plan.stages.length));
}
